//! `lvsdeck demo`: the words for [`crate::app`].

use std::path::PathBuf;

/// A live cluster in this process, for anyone.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Two directors, real servers and clients run in this process and end with it; neither root nor ip_vs nor a\n\
                        configuration is needed, and nothing of this host is changed. : takes commands (kill web2, cut, heal,\n\
                        loss 20%, director 2), and a panel leads through a drill.\n\n\
                        Example: lvsdeck demo"
)]
pub struct DemoArgs {
    /// Real servers
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(3..=4000))]
    pub servers: u16,
    /// What is drawn (load, lost packets) is drawn from this
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Draw in so many columns and rows, whatever the terminal's size
    #[arg(long, value_name = "COLSxROWS", value_parser = size)]
    pub size: Option<(u16, u16)>,
    /// Play keys and wait for what the screen shows (`docs/demo.md` has the words)
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// A built-in theme's name, or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    pub theme: Option<String>,
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let read = || {
        let (columns, rows) = text.split_once('x')?;
        Some((columns.parse().ok()?, rows.parse().ok()?))
    };
    match read() {
        Some((columns, rows)) if (20..=400).contains(&columns) && (5..=200).contains(&rows) => Ok((columns, rows)),
        _ => Err("write columns and rows like 120x36, 20x5 to 400x200".to_owned()),
    }
}

//! The help text, made of the tables that parsing reads.

use super::options::{COMMANDS, Group, OPTIONS, OptionRow, Takes};
use std::io::{self, Write};

/// Prints it.
pub fn print(out: &mut dyn Write, name: &str) -> io::Result<()> {
    writeln!(
        out,
        "{name}: the kernel's IPVS table by hand, with the options of ipvsadm 1.31\n\nCommands, one of which comes first:"
    )?;
    for row in &COMMANDS {
        let letters: Vec<_> = row.short.iter().map(|letter| format!("-{letter}, ")).collect();
        let word = format!("{}--{}", letters.concat(), row.long);
        writeln!(out, "  {word:<20} {}\n  {:<20}   {}", row.usage, "", row.help)?;
    }
    writeln!(out, "\nSERVICE is one of:")?;
    print_options(out, |row| row.group == Group::ServiceAddress)?;
    writeln!(out, "\nOptions:")?;
    print_options(out, |row| row.group != Group::ServiceAddress && !row.ours)?;
    writeln!(out, "\nOptions that ipvsadm does not have:")?;
    print_options(out, |row| row.ours)?;
    writeln!(
        out,
        "\nExample: {name} -A -t 10.0.0.1:80 -s wrr\n         {name} -a -t 10.0.0.1:80 -r 10.0.0.71 -w 3\n         {name} -Ln --stats\n\n\
         Exit codes: 0 done, 2 wrong use or no ip_vs, 1 the service to be listed is not there, 255 refused"
    )
}

/// Prints whose options these are, the way scripts look for it.
pub fn version(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "ipvsadm v1.31 as lvsdeck {} speaks it", env!("CARGO_PKG_VERSION"))
}

fn print_options(out: &mut dyn Write, wanted: impl Fn(&OptionRow) -> bool) -> io::Result<()> {
    for row in OPTIONS.iter().filter(|row| wanted(row)) {
        let letter = row.short.map_or_else(|| "    ".to_owned(), |letter| format!("-{letter}, "));
        let (value, help) = row.help;
        let value = if row.takes == Takes::Nothing { String::new() } else { format!(" {value}") };
        writeln!(out, "  {:<34} {help}", format!("{letter}--{}{value}", row.long))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_option_is_told() {
        let mut text = Vec::new();
        print(&mut text, "lvsdeck ipvs").unwrap();
        let text = String::from_utf8(text).unwrap();
        let words = COMMANDS.iter().map(|row| row.long).chain(OPTIONS.iter().map(|row| row.long));
        for word in words {
            assert!(text.contains(&format!("--{word}")), "{word}");
        }
    }
}

use super::depth::Depth;
use super::*;
use ratatui::style::{Color, Modifier};

const ALL: [Paint; 23] = [
    Paint::Text,
    Paint::Dim,
    Paint::Title,
    Paint::Border,
    Paint::Head,
    Paint::Header,
    Paint::Alarm,
    Paint::Master,
    Paint::Backup,
    Paint::Fault,
    Paint::Up,
    Paint::Down,
    Paint::Drain,
    Paint::Unknown,
    Paint::Warning,
    Paint::Fresh,
    Paint::Key,
    Paint::Good,
    Paint::Bad,
    Paint::Selected,
    Paint::Marked,
    Paint::Input,
    Paint::Stale,
];

fn themes() -> impl Iterator<Item = (&'static str, Theme)> {
    BUILT_IN.iter().map(|(name, _)| (*name, Theme::load(name).unwrap()))
}

fn rgb(color: Option<Color>) -> [f64; 3] {
    match color {
        Some(Color::Rgb(r, g, b)) => [r, g, b].map(|c| f64::from(c) / 255.0),
        other => panic!("{other:?} has no shade of its own"),
    }
}

/// Relative luminance and contrast (WCAG 2.2, 1.4.3).
fn luminance(color: [f64; 3]) -> f64 {
    let [r, g, b] = linear(color);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn linear(color: [f64; 3]) -> [f64; 3] {
    color.map(|c| if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) })
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_theme_of_the_directory_is_built_in_and_can_be_read() {
    let mut built_in: Vec<_> = themes().map(|(name, _)| format!("{name}.toml")).collect();
    let mut files: Vec<_> =
        std::fs::read_dir("themes").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    built_in.sort();
    files.sort();
    assert_eq!(built_in, files);
    assert_eq!(files.len(), 10);
}

#[test]
fn on_its_own_ground_every_role_can_be_read() {
    for (name, theme) in themes().filter(|(_, theme)| theme.style(Paint::Text).bg.is_some()) {
        for paint in ALL {
            let style = theme.style(paint);
            let found = contrast(rgb(style.fg), rgb(style.bg));
            let least = match (paint, name) {
                (Paint::Border, _) => 1.2, // a line between panels says nothing
                (_, "high-contrast") => 7.0,
                (Paint::Dim | Paint::Unknown | Paint::Stale, _) => 3.0,
                _ => 4.5,
            };
            assert!(found >= least, "{name}: {paint:?} has a contrast of {found:.2}, at least {least}");
        }
        let marked = rgb(theme.style(Paint::Marked).bg);
        for paint in [Paint::Up, Paint::Down, Paint::Drain, Paint::Text] {
            let found = contrast(rgb(theme.style(paint).fg), marked);
            assert!(found >= 4.5, "{name}: {paint:?} on the marked row has a contrast of {found:.2}");
        }
    }
}

/// How a colour looks to eyes without one kind of cones (Viénot, Brettel, Mollon 1999, for linear RGB; for the third kind the
/// matrix of Machado, Oliveira, Fernandes 2009).
fn seen(color: [f64; 3], matrix: [[f64; 3]; 3]) -> [f64; 3] {
    let light = linear(color);
    matrix.map(|row| row.iter().zip(light).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0))
}

#[test]
fn up_and_down_differ_for_the_eyes_that_a_theme_is_made_for() {
    let deuteranopia = [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]];
    let tritanopia =
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]];
    let apart = |theme: &str, matrix| {
        let theme = Theme::load(theme).unwrap();
        let [up, down] = [Paint::Up, Paint::Down].map(|paint| seen(rgb(theme.style(paint).fg), matrix));
        up.iter().zip(down).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    };
    assert!(apart("deuteranopia", deuteranopia) > 0.5, "{}", apart("deuteranopia", deuteranopia));
    assert!(apart("tritanopia", tritanopia) > 0.4, "{}", apart("tritanopia", tritanopia));
    assert!(apart("nord", deuteranopia) < 0.4, "the measure tells a theme that is not made for it");
}

#[test]
fn mono_has_no_colour_and_still_shows_the_selection_and_the_alarm() {
    let mono = Theme::load("mono").unwrap();
    assert!(mono.styles.values().all(|s| s.fg.is_none() && s.bg.is_none()));
    for paint in [Paint::Selected, Paint::Alarm] {
        assert!(mono.style(paint).add_modifier.contains(Modifier::REVERSED));
    }
}

#[test]
fn ansi_leaves_the_terminals_own_ground_alone() {
    let ansi = Theme::load("ansi").unwrap();
    assert_eq!((ansi.style(Paint::Text).fg, ansi.style(Paint::Text).bg), (None, None));
    assert!(ansi.styles.values().all(|s| s.bg.is_none()));
    let named = |style: &Style| !matches!(style.fg, Some(Color::Rgb(..) | Color::Indexed(_)));
    assert!(ansi.styles.values().all(named), "the 16 colours");
}

#[test]
fn a_terminal_gets_no_more_colours_than_it_has() {
    for (name, theme) in themes() {
        for depth in [Depth::None, Depth::Sixteen, Depth::TwoFiftySix, Depth::True] {
            let reduced = theme.clone().at_depth(depth);
            for paint in ALL {
                let style = reduced.style(paint);
                for color in [style.fg, style.bg].into_iter().flatten() {
                    let fits = match color {
                        Color::Rgb(..) => depth == Depth::True,
                        Color::Indexed(index) => depth >= Depth::TwoFiftySix || (depth == Depth::Sixteen && index < 16),
                        _ => depth > Depth::None,
                    };
                    assert!(fits, "{name} {paint:?} at {depth:?}: {color:?}");
                }
                assert!(style.fg.is_none() || style.fg != style.bg, "{name} {paint:?} at {depth:?} can't be read");
            }
            let (text, selected) = (reduced.style(Paint::Text), reduced.style(Paint::Selected));
            assert_ne!(text, selected, "{name} at {depth:?} does not show the selection");
            let states = [Paint::Up, Paint::Down].map(|paint| reduced.style(paint));
            assert_ne!(states[0], states[1], "{name} at {depth:?}: up and down look alike");
        }
    }
}

#[test]
fn colours_keep_their_hue() {
    let at = |depth, text: &str| {
        let theme = Theme::parse("mine", &format!("[up]\nfg = \"{text}\"")).unwrap();
        theme.at_depth(depth).style(Paint::Up).fg.unwrap()
    };
    for (asked, sixteen) in [
        ("#8fd68f", Color::LightGreen),
        ("#ff7b72", Color::LightRed),
        ("#1a6b2f", Color::Green),
        ("#7fc8e8", Color::LightCyan),
        ("#808080", Color::DarkGray),
        ("#fbfbf8", Color::White),
        ("red", Color::Red),
        ("203", Color::LightRed),
    ] {
        assert_eq!(at(Depth::Sixteen, asked), sixteen, "{asked}");
    }
    assert_eq!(at(Depth::TwoFiftySix, "#ff0000"), Color::Indexed(196));
    assert_eq!(at(Depth::TwoFiftySix, "#808080"), Color::Indexed(244));
    assert_eq!(at(Depth::True, "#8fd68f"), Color::Rgb(0x8f, 0xd6, 0x8f));
}

#[test]
fn a_terminal_is_asked_for_its_colours_by_its_environment_alone() {
    for (colorterm, term, depth) in [
        ("truecolor", "xterm", Depth::True),
        ("", "xterm-256color", Depth::TwoFiftySix),
        ("", "screen", Depth::Sixteen),
        ("", "no-such-terminal", Depth::Sixteen),
        ("", "", Depth::Sixteen),
        ("", "dumb", Depth::None),
        ("", "vt220", Depth::None),
    ] {
        assert_eq!(Depth::of_terminal(colorterm, term), depth, "{colorterm} {term}");
    }
}

#[test]
fn a_broken_theme_names_file_line_and_word() {
    let error = |text| Theme::parse("mine.toml", text).unwrap_err().to_string();
    for (text, place, word) in [
        ("[up]\nfg = \"gren\"", "mine.toml:2:", "gren"),
        ("[up]\nfg = \"green\"\n[upp]\nfg = \"green\"", "mine.toml:3:", "upp"),
        ("[up]\nmodifiers = [\"bold\", \"blink\"]", "mine.toml:2:", "blink"),
        ("[up]\nfgg = \"green\"", "mine.toml:2:", "fgg"),
        ("[up\n", "mine.toml:1:", "not TOML"),
        ("[up]\nfg = \"gren\"", "mine.toml:2:", "up: fg = \"gren\" is no colour; write"),
        ("[up]\nfg = 12", "mine.toml:2:", "write \"green\", \"12\""),
        ("[up]\n[don]\n", "mine.toml:2:", "did you mean down?"),
        ("[colours]\n", "mine.toml:1:", "there are text, dim, title"),
        ("up = \"green\"", "mine.toml:1:", "up is a table: [up]"),
        ("[up]\nmodifiers = \"bold\"", "mine.toml:2:", "[\"bold\"]"),
        ("[up]\nbold = true", "mine.toml:2:", "up: there is no \"bold\"; there are fg, bg and modifiers"),
    ] {
        let said = error(text);
        assert!(said.contains(place) && said.contains(word) && !said.contains('\n'), "{said}");
    }
    let all = error("[upp]\n[up]\nfg = \"gren\"\nbg = 5\nmodifiers = [\"blink\", \"bold\", 1]\nfgg = 1\n");
    let places: Vec<_> = all.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(places, [1, 3, 4, 5, 5, 6].map(|line| format!("theme mine.toml:{line}")), "{all}");
    let nowhere = Theme::load("/nowhere").unwrap_err().to_string();
    assert!(nowhere.contains("mono") && nowhere.contains("solarized"), "{nowhere}");
}

#[test]
fn a_theme_of_ones_own_changes_what_it_names_and_keeps_the_rest() {
    let theme = Theme::parse("mine", "[up]\nfg = \"#00ff00\"").unwrap();
    assert_eq!(theme.style(Paint::Up).fg, Some(Color::Rgb(0, 255, 0)));
    assert_eq!(theme.style(Paint::Down), Theme::load("ansi").unwrap().style(Paint::Down));
}

//! A grid: settings with the values that a sweep gives them, and all combinations of these.

use kith_core::Error;
use kith_core::recipe::Recipe;

use crate::args::RecipeFlags;
use crate::failure::Failure;
use crate::verbs::session;

/// Letters that a folder's name has room for, besides its number.
const NAME_LETTERS: usize = 60;

/// A setting and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    /// Its name in the recipe.
    pub(super) setting: String,
    /// As TOML, or as bare words.
    pub(super) values: Vec<String>,
}

/// A value of every setting.
#[derive(Clone, Debug)]
pub(super) struct Combination {
    /// The place of each axis's value.
    pub(super) places: Vec<usize>,
    /// What people call it: every setting with its value.
    pub(super) words: String,
    /// Its folder.
    pub(super) folder: String,
    pub(super) recipe: Recipe,
}

/// The axes that a command line names, none of them twice or below another or changed by `--set`.
pub(super) fn axes(grid: &[String], changes: &[String]) -> Result<Vec<Axis>, Error> {
    let axes = grid.iter().map(|text| axis(text)).collect::<Result<Vec<_>, _>>()?;
    for (place, axis) in axes.iter().enumerate() {
        let others = axes[..place].iter().map(|other| (other.setting.as_str(), "--grid"));
        let changed = changes.iter().filter_map(|change| change.split_once('='));
        let changed = changed.map(|(setting, _)| (setting.trim(), "--set"));
        for (other, flag) in others.chain(changed) {
            if overlap(&axis.setting, other) {
                let expected = "each setting in one --grid alone, and in no --set";
                let got = format!("`{}` beside `{flag} {other}`", axis.setting);
                return Err(Error::setting("--grid", expected, got));
            }
        }
    }
    Ok(axes)
}

/// Whether two settings are the same, or one is in the other's table.
fn overlap(one: &str, other: &str) -> bool {
    let below = |one: &str, other: &str| {
        one.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    below(one, other) || below(other, one)
}

fn axis(text: &str) -> Result<Axis, Error> {
    let wrong = |got: String| {
        let expected = "KEY=VALUE,VALUE, as in objective.temperature=0.05,0.1";
        Error::setting("--grid", expected, got)
    };
    let (setting, values) = text.split_once('=').ok_or_else(|| wrong(format!("`{text}`")))?;
    let setting = setting.trim();
    let values = split(values).ok_or_else(|| {
        wrong(format!("`{text}`, where a bracket or quote is opened or closed alone"))
    })?;
    if setting.is_empty() || values.iter().any(String::is_empty) {
        return Err(wrong(format!("`{text}`, which has an empty part")));
    }
    for (place, value) in values.iter().enumerate() {
        if values[..place].contains(value) {
            return Err(wrong(format!("`{value}` twice in `{text}`")));
        }
    }
    Ok(Axis { setting: setting.to_owned(), values })
}

/// What stands between the commas outside of brackets, braces and quotes; none where one of these is
/// opened or closed alone.
fn split(text: &str) -> Option<Vec<String>> {
    let mut values = vec![String::new()];
    let mut open: Vec<char> = Vec::new();
    let mut escaped = false;
    for c in text.chars() {
        let quoted = open.last().copied().filter(|&close| close == '"' || close == '\'');
        match (quoted, c) {
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                values.last_mut()?.push(c);
                continue;
            }
            (Some(close), _) if c == close && !escaped => _ = open.pop(),
            (Some(_), _) => {}
            (None, '"' | '\'') => open.push(c),
            (None, '[') => open.push(']'),
            (None, '{') => open.push('}'),
            (None, ']' | '}') => _ = open.pop().filter(|&close| close == c)?,
            (None, ',') if open.is_empty() => {
                values.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = false;
        values.last_mut()?.push(c);
    }
    open.is_empty().then(|| values.iter().map(|value| value.trim().to_owned()).collect())
}

/// Every combination with its recipe, the last axis varying fastest.
///
/// # Errors
/// [`Failure::Part`] naming a combination whose recipe cannot be, or is another one's.
pub(super) fn combinations(
    axes: &[Axis],
    flags: &RecipeFlags,
) -> Result<Vec<Combination>, Failure> {
    let count: usize = axes.iter().map(|axis| axis.values.len()).product();
    let mut all: Vec<Combination> = Vec::new();
    for number in 0..count {
        let places = places(axes, number);
        let settings: Vec<(&str, &str)> = axes
            .iter()
            .zip(&places)
            .map(|(axis, &place)| (axis.setting.as_str(), axis.values[place].as_str()))
            .collect();
        let words = words(&settings);
        let refused = |source: Failure| Failure::Part {
            name: format!("the combination {words}"),
            source: Box::new(source),
        };
        let change = |(setting, value): &(&str, &str)| format!("{setting}={value}");
        let changes = flags.changes.iter().cloned().chain(settings.iter().map(change)).collect();
        let asked = RecipeFlags { recipe: flags.recipe.clone(), changes };
        let recipe = session::recipe(&asked).map_err(refused)?;
        if let Some(same) = all.iter().find(|other| other.recipe == recipe) {
            let got = format!("the recipe of {}", same.words);
            let source = Error::setting("--grid", "combinations that differ", got).into();
            return Err(refused(source));
        }
        let folder = folder(number + 1, &settings);
        all.push(Combination { places, words, folder, recipe });
    }
    Ok(all)
}

fn places(axes: &[Axis], number: usize) -> Vec<usize> {
    let mut rest = number;
    let digits = axes.iter().rev().map(|axis| {
        let place = rest % axis.values.len();
        rest /= axis.values.len();
        place
    });
    let mut places: Vec<usize> = digits.collect();
    places.reverse();
    places
}

fn words(settings: &[(&str, &str)]) -> String {
    let words = settings.iter().map(|(setting, value)| format!("{setting}={value}"));
    words.collect::<Vec<_>>().join(" ")
}

/// A name for a folder: a number, which makes it the only one, and what people recognise.
fn folder(number: usize, settings: &[(&str, &str)]) -> String {
    let short = settings
        .iter()
        .map(|(setting, value)| (setting.rsplit('.').next().unwrap_or(setting), *value));
    let plain = |c: char| if c.is_ascii_alphanumeric() || "=.-_".contains(c) { c } else { '_' };
    let words: String = words(&short.collect::<Vec<_>>()).chars().map(plain).collect();
    let words: String = words.chars().take(NAME_LETTERS).collect();
    format!("{number:03}-{words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(changes: &[&str]) -> RecipeFlags {
        let changes = changes.iter().map(|&change| change.to_owned()).collect();
        RecipeFlags { recipe: "quick".into(), changes }
    }

    fn grid(texts: &[&str]) -> Result<Vec<Axis>, Error> {
        axes(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>(), &[])
    }

    #[test]
    fn commas_within_brackets_and_quotes_belong_to_a_value() {
        let parts = |text: &str| split(text).expect("it can be split");
        assert_eq!(parts("0.05, 0.1,0.2"), ["0.05", "0.1", "0.2"]);
        assert_eq!(parts("[64],[128,64]"), ["[64]", "[128,64]"]);
        let form = "{kind=\"a\",n=[1,2]},{kind='b}',n=\"]\\\",\"}";
        assert_eq!(parts(form), ["{kind=\"a\",n=[1,2]}", "{kind='b}',n=\"]\\\",\"}"]);
        assert_eq!(parts("simclr"), ["simclr"]);
        for alone in ["[1,2", "1]", "{a=[1}", "\"a,b", "'"] {
            assert_eq!(split(alone), None, "{alone}");
        }
    }

    #[test]
    fn what_is_no_grid_says_why() {
        for (texts, said) in [
            (&["objective.temperature"][..], "expected KEY=VALUE,VALUE"),
            (&["objective.temperature=0.1,,0.2"], "empty part"),
            (&["=0.1"], "empty part"),
            (&["a=[1"], "opened or closed alone"),
            (&["a=1,2,1"], "`1` twice"),
            (&["a.b=1,2", "a.b=3"], "`a.b` beside `--grid a.b`"),
            (&["a.b=1,2", "a={b=3}"], "`a` beside `--grid a.b`"),
        ] {
            let error = grid(texts).expect_err(said).to_string();
            assert!(error.contains(said), "{texts:?}: {error}");
        }
        assert!(grid(&["a.b=1", "a.bc=2"]).is_ok());
        let changed = axes(&["a.b=1".to_owned()], &["a.b=2".to_owned()]);
        assert!(changed.expect_err("changed").to_string().contains("--set a.b"));
    }

    #[test]
    fn every_combination_has_its_recipe() {
        let axes = grid(&["objective.temperature=0.1,0.2", "projection.hidden=[64],[8,16]"]);
        let axes = axes.expect("a grid");
        let all = combinations(&axes, &flags(&["pretraining.epochs=3"])).expect("they can be");
        let places: Vec<&[usize]> = all.iter().map(|one| &one.places[..]).collect();
        assert_eq!(places, [[0, 0], [0, 1], [1, 0], [1, 1]]);
        let last = &all[3];
        assert_eq!(last.words, "objective.temperature=0.2 projection.hidden=[8,16]");
        assert_eq!(last.folder, "004-temperature=0.2_hidden=_8_16_");
        assert_eq!(last.recipe.projection.as_ref().expect("a head").hidden, [8, 16]);
        assert_eq!(last.recipe.pretraining.epochs, 3);
    }

    #[test]
    fn a_combination_that_cannot_be_is_named() {
        let refused = |texts: &[&str]| {
            let axes = grid(texts).expect("a grid");
            combinations(&axes, &flags(&[])).expect_err("it cannot be")
        };
        let failure = refused(&["objective.queue=256,512", "objective.temperature=0.1,0"]);
        assert_eq!(failure.code(), "SETTING");
        let text = failure.to_string();
        assert!(text.contains("objective.queue=256 objective.temperature=0:"), "{text}");
        let text = refused(&["objective.temperature=0.1,0.10"]).to_string();
        assert!(text.contains("the recipe of objective.temperature=0.1"), "{text}");
    }
}

//! A recipe's settings by name.

use crate::error::Error;
use crate::semi::SemiSettings;

/// The table that a recipe may leave out: its defaults are what is changed then.
const SEMI: &str = "semi";

/// Sets one value, `key.of.a.table=value`; the value is TOML, or a bare word as a string.
pub(super) fn set(table: &mut toml::Table, change: &str) -> Result<(), Error> {
    let unusable = |why: &str| Error::Recipe { reason: format!("`{change}`: {why}") };
    let (path, value) = change
        .split_once('=')
        .ok_or_else(|| unusable("expected key=value, as in finetuning.epochs=5"))?;
    let value = value.trim();
    let value = value
        .parse::<toml::Value>()
        .unwrap_or_else(|_not_toml| toml::Value::String(value.to_owned()));
    let mut keys: Vec<&str> = path.trim().split('.').collect();
    let last = keys.pop().ok_or_else(|| unusable("the key is empty"))?;
    if keys.first() == Some(&SEMI) && !table.contains_key(SEMI) {
        let defaults = toml::Value::try_from(SemiSettings::default());
        table.insert(SEMI.to_owned(), defaults.expect("settings are representable in TOML"));
    }
    let mut place = table;
    for key in keys {
        place = place
            .get_mut(key)
            .and_then(toml::Value::as_table_mut)
            .ok_or_else(|| unusable(&format!("the recipe has no table `{key}`")))?;
    }
    place.insert(last.to_owned(), value);
    Ok(())
}

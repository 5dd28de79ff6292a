//! The command line of this process, and those that go on from what it left.

use std::borrow::Cow;
use std::env::args_os;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The command line of this process, as a shell takes it.
pub(crate) fn command() -> String {
    in_words(&args_os().collect::<Vec<_>>())
}

/// The command line that goes on with what this process did in a folder, as a shell takes it.
pub(crate) fn resume_command(folder: &Path) -> String {
    in_words(&resume_args(folder))
}

/// The same, word by word.
pub(crate) fn resume_args(folder: &Path) -> Vec<OsString> {
    resumed(args_os().collect(), folder)
}

fn resumed(args: Vec<OsString>, folder: &Path) -> Vec<OsString> {
    let is_named = args.windows(2).any(|pair| pair[0] == "--run" && pair[1] == folder);
    if is_named && args.iter().any(|word| word == "--resume") {
        return args;
    }
    let args = without(args, "--run").into_iter().filter(|word| word != "--resume");
    args.chain(["--run".into(), folder.into(), "--resume".into()]).collect()
}

/// A command line without a flag and its value.
pub(crate) fn without(args: Vec<OsString>, flag: &str) -> Vec<OsString> {
    let has_value = |word: &OsStr| {
        let rest = word.as_encoded_bytes().strip_prefix(flag.as_bytes());
        rest.is_some_and(|rest| rest.starts_with(b"="))
    };
    let mut value_comes = false;
    let is_other = |word: &OsString| {
        let (is_value, is_flag) = (value_comes, word == flag);
        value_comes = is_flag && !is_value;
        !is_value && !is_flag && !has_value(word)
    };
    args.into_iter().filter(is_other).collect()
}

/// A command line as a shell takes it.
pub(crate) fn in_words(args: &[OsString]) -> String {
    args.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &OsStr) -> String {
    let quoted = word.to_str().and_then(|text| shlex::try_quote(text).ok());
    quoted.map_or_else(|| escaped(word.as_encoded_bytes()), Cow::into_owned)
}

/// Bytes that are no text, as bash, zsh and POSIX 2024 take them.
fn escaped(bytes: &[u8]) -> String {
    let escape = |&byte: &u8| match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    format!("$'{}'", bytes.iter().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted(OsStr::new("idx:/a/b-c_1.0")), "idx:/a/b-c_1.0");
        for word in ["it's here", "", "a=b,c", "$HOME `ls` \\ \"!\"", "é\n*"] {
            let line = quoted(OsStr::new(word));
            assert_eq!(shlex::split(&line), Some(vec![word.to_owned()]), "{line}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_survive_a_shell() {
        use std::os::unix::ffi::OsStrExt;
        let word = OsStr::from_bytes(b"r\xe9 it's\\x");
        assert_eq!(quoted(word), r"$'r\xe9 it\'s\\x'");
        let said = std::process::Command::new("bash")
            .args(["-c", &format!("printf %s {}", quoted(word))])
            .output()
            .unwrap();
        assert_eq!(said.stdout, word.as_bytes());
        let args = ["kith", "pretrain", "--run", "old", "--resume"].map(OsString::from);
        let args = args.into_iter().chain([word.to_owned()]).collect();
        let resume = in_words(&resumed(args, Path::new(word)));
        let name = quoted(word);
        assert_eq!(resume, format!("kith pretrain {name} --run {name} --resume"));
    }

    #[test]
    fn a_command_that_goes_on_stays_as_it_is() {
        let same = ["kith", "sweep", "--run", "r", "--resume", "--device", "cpu"];
        assert_eq!(resumed(same.map(OsString::from).into(), Path::new("r")), same);
    }

    #[test]
    fn a_flag_goes_with_its_value() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let line =
            words("kith embed --device --device --device=cpu --devices x --device gpu y --device");
        assert_eq!(without(line, "--device"), words("kith embed --devices x y"));
    }
}

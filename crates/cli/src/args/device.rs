//! Where to compute: one device, or several that share each batch.

use core::fmt::{self, Display, Formatter};
use core::str::FromStr;

/// A device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceChoice {
    /// A GPU if there is one, else the CPU.
    Auto,
    /// The first GPU, or an error.
    Gpu,
    /// The GPU of that number, or an error.
    Numbered(usize),
    /// The CPU.
    Cpu,
}

/// One device or several, none of them twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceChoices(pub(crate) Vec<DeviceChoice>);

impl DeviceChoices {
    /// Whether there is more than one.
    pub(crate) fn are_several(&self) -> bool {
        self.0.len() > 1
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix("gpu:").map(str::parse);
        match (text, number) {
            ("auto", _) => Ok(Self::Auto),
            ("gpu", _) => Ok(Self::Gpu),
            ("cpu", _) => Ok(Self::Cpu),
            (_, Some(Ok(number))) => Ok(Self::Numbered(number)),
            _ => Err(
                "expected auto, cpu, gpu or a GPU's number as in gpu:0; or several of these with \
                      commas, as in gpu:0,gpu:1"
                    .into(),
            ),
        }
    }
}

impl FromStr for DeviceChoices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = text.split(',').map(str::parse).collect::<Result<Vec<DeviceChoice>, _>>()?;
        if all.len() > 1 && all.contains(&DeviceChoice::Auto) {
            return Err("expected auto alone, or the devices themselves as in gpu:0,gpu:1".into());
        }
        let twice = all.iter().enumerate().find(|(place, device)| all[..*place].contains(device));
        match twice {
            Some((_, device)) => Err(format!("expected each device once, got {device} twice")),
            None => Ok(Self(all)),
        }
    }
}

impl Display for DeviceChoice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Gpu => f.write_str("gpu"),
            Self::Numbered(number) => write!(f, "gpu:{number}"),
            Self::Cpu => f.write_str("cpu"),
        }
    }
}

/// As on the command line.
impl Display for DeviceChoices {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&words.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_they_are_written() {
        for text in ["auto", "cpu", "gpu", "gpu:0", "gpu:0,gpu:1", "cpu,gpu:12", "gpu,cpu"] {
            let read = text.parse::<DeviceChoices>().unwrap();
            assert_eq!((read.to_string().as_str(), read.are_several()), (text, text.contains(',')));
        }
    }

    #[test]
    fn what_is_no_device_is_refused() {
        for (text, expected) in [
            ("", "expected auto, cpu"),
            ("tpu", "as in gpu:0"),
            ("gpu:", "as in gpu:0"),
            ("gpu:-1", "as in gpu:0"),
            ("gpu:0,", "expected auto, cpu"),
            ("gpu:0,auto", "auto alone"),
            ("gpu:1,cpu,gpu:1", "got gpu:1 twice"),
        ] {
            let refused = text.parse::<DeviceChoices>().unwrap_err();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }
}

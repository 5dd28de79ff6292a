//! Where to compute: one device, or several that share each batch.

use core::fmt::{self, Display, Formatter};
use core::str::FromStr;

/// Where a worker listens unless it is told otherwise.
pub(super) const WORKER_PORT: u16 = 8500;

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeviceChoice {
    /// A GPU if there is one, else the CPU.
    Auto,
    /// The first GPU, or an error.
    Gpu,
    /// The GPU of that number, or an error.
    Numbered(usize),
    /// The CPU.
    Cpu,
    /// The device of a worker.
    Remote(RemoteAddress),
}

/// Where a worker listens: `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteAddress {
    /// A name or an IP address, without brackets.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
}

/// One device or several, none of them twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceChoices(pub(crate) Vec<DeviceChoice>);

impl DeviceChoices {
    /// Whether it is one, of this machine.
    pub(crate) fn is_one_here(&self) -> bool {
        !matches!(self.0.as_slice(), [_, _, ..] | [DeviceChoice::Remote(_)])
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(address) = text.strip_prefix("remote:") {
            return address.parse().map(Self::Remote);
        }
        let number = text.strip_prefix("gpu:").map(str::parse);
        match (text, number) {
            ("auto", _) => Ok(Self::Auto),
            ("gpu", _) => Ok(Self::Gpu),
            ("cpu", _) => Ok(Self::Cpu),
            (_, Some(Ok(number))) => Ok(Self::Numbered(number)),
            _ => Err(
                "expected auto, cpu, gpu, a GPU's number as in gpu:0, or a worker as in remote:HOST; or \
                 several of these with commas, as in gpu:0,gpu:1"
                    .into(),
            ),
        }
    }
}

impl FromStr for RemoteAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            format!(
                "expected a worker's host and port, as in remote:HOST:{WORKER_PORT}, remote:HOST or \
                 remote:[::1]:{WORKER_PORT}"
            )
        };
        // An IPv6 address has colons of its own, and brackets for that.
        let (host, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or_else(expected)?)),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = port.map_or(Ok(WORKER_PORT), |port| port.parse().ok().ok_or_else(expected))?;
        let is_name = !host.is_empty() && !host.contains(['/', '[', ']', ' ']);
        if !is_name || port == 0 {
            return Err(expected());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// As on the command line, with its port.
impl Display for RemoteAddress {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match host.contains(':') {
            true => write!(f, "remote:[{host}]:{port}"),
            false => write!(f, "remote:{host}:{port}"),
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
            Self::Remote(address) => address.fmt(f),
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
            assert_eq!(
                (read.to_string().as_str(), read.is_one_here()),
                (text, !text.contains(','))
            );
        }
        for (text, expected) in [
            ("remote:lab", "remote:lab:8500"),
            ("remote:10.0.0.2:81", "remote:10.0.0.2:81"),
            ("cpu,remote:[::1]", "cpu,remote:[::1]:8500"),
            ("remote:[fe80::2]:9,remote:b", "remote:[fe80::2]:9,remote:b:8500"),
        ] {
            let read = text.parse::<DeviceChoices>().unwrap();
            assert_eq!((read.to_string().as_str(), read.is_one_here()), (expected, false));
            assert_eq!(expected.parse::<DeviceChoices>().unwrap(), read);
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
            ("remote:", "as in remote:HOST:8500"),
            ("remote:lab:", "as in remote:HOST:8500"),
            ("remote:lab:0", "as in remote:HOST:8500"),
            ("remote:lab:70000", "as in remote:HOST:8500"),
            ("remote:http://lab", "as in remote:HOST:8500"),
            ("remote:::1", "as in remote:HOST:8500"),
            ("remote:[::1]8500", "as in remote:HOST:8500"),
            ("remote:lab,remote:lab:8500", "got remote:lab:8500 twice"),
        ] {
            let refused = text.parse::<DeviceChoices>().unwrap_err();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }
}

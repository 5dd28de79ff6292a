//! Images of a step that go through the encoder a part at a time, on one device or several.

use burn::tensor::{Device, Tensor};

use super::remote::{Remote, RemoteEncoder};

/// Where parts of each batch go through the encoder.
#[derive(Clone, Debug, PartialEq)]
pub enum PartDevice {
    /// On a device of this process.
    Local(Device),
    /// On a device of another process.
    Remote(Remote),
}

/// The same, with the encoder that another process has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Site {
    /// On a device of this process, without autodiff.
    Local(Device),
    /// On a device of another process.
    Remote(RemoteEncoder),
}

/// Images that follow each other in a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    start: usize,
    count: usize,
    /// Where they go through the encoder.
    site: Site,
}

impl Part {
    /// n images in so many parts, none larger than the first, which the devices take in turns; more parts
    /// where otherwise some devices had one more than others.
    pub(super) fn all(n: usize, parts: usize, sites: &[Site]) -> Vec<Self> {
        let size = n.div_ceil(parts.max(1).next_multiple_of(sites.len().max(1))).max(1);
        let part = |(start, site): (usize, &Site)| Self {
            start,
            count: size.min(n - start),
            site: site.clone(),
        };
        (0..n).step_by(size).zip(sites.iter().cycle()).map(part).collect()
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Where they go through the encoder.
    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// Whether these images are all of the batch, and stay where they are.
    pub(super) fn is_whole(parts: &[Self], home: &Device) -> bool {
        matches!(parts, [Self { site: Site::Local(device), .. }] if device == home)
    }

    /// The views of these images, on the part's device; as they are for one of another process.
    pub(super) fn of_views(&self, views: &[Tensor<4>]) -> Vec<Tensor<4>> {
        let own = |view: &Tensor<4>| {
            let view = view.clone().narrow(0, self.start, self.count);
            match &self.site {
                Site::Local(device) => view.to_device(device),
                Site::Remote(_) => view,
            }
        };
        views.iter().map(own).collect()
    }

    /// The rows of these images in every view, on the part's device; as they are for one of another process.
    ///
    /// # Shapes
    /// - rows: `[views · n, dim]`, view by view
    /// - result: `[views · count, dim]`, view by view
    pub(super) fn of_rows(&self, rows: &Tensor<2>, n: usize) -> Tensor<2> {
        let views = rows.dims()[0] / n;
        let of = |view| rows.clone().narrow(0, view * n + self.start, self.count);
        let own = Tensor::cat((0..views).map(of).collect(), 0);
        match &self.site {
            Site::Local(device) => own.to_device(device),
            Site::Remote(_) => own,
        }
    }
}

/// The rows of all images, view by view, of the rows of all parts; on a device.
pub(super) fn joined(parts: &[Part], rows: Vec<Tensor<2>>, device: &Device) -> Tensor<2> {
    let Some(first) = parts.first() else { return Tensor::cat(rows, 0) };
    let there: Vec<Tensor<2>> = rows.into_iter().map(|rows| rows.to_device(device)).collect();
    let views = there[0].dims()[0] / first.count;
    let of = |view: usize| {
        let rows = parts
            .iter()
            .zip(&there)
            .map(|(part, rows)| rows.clone().narrow(0, view * part.count, part.count));
        Tensor::cat(rows.collect(), 0)
    };
    Tensor::cat((0..views).map(of).collect(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of two views of five images: the image's number, and the view's.
    fn rows(images: core::ops::Range<usize>) -> Tensor<2> {
        let numbers: Vec<[f32; 2]> = (0..2)
            .flat_map(|view| images.clone().map(move |image| [image as f32, view as f32]))
            .collect();
        let data = burn::tensor::TensorData::new(numbers.concat(), [numbers.len(), 2]);
        Tensor::from_data(data, &Device::flex())
    }

    #[test]
    fn parts_are_taken_apart_and_joined_in_their_order() {
        let device = Device::flex();
        let site = Site::Local(device.clone());
        let part = |start, count| Part { start, count, site: site.clone() };
        let parts = Part::all(5, 2, std::slice::from_ref(&site));
        assert_eq!(parts, [part(0, 3), part(3, 2)]);
        let values = |x: Tensor<2>| pollster::block_on(crate::read::read(x)).unwrap();
        let taken: Vec<Tensor<2>> = parts.iter().map(|part| part.of_rows(&rows(0..5), 5)).collect();
        assert_eq!(values(taken[1].clone()), values(rows(3..5)));
        assert_eq!(values(joined(&parts, taken, &device)), values(rows(0..5)));
        assert_eq!(Part::all(3, 7, std::slice::from_ref(&site)).len(), 3, "no part is empty");
    }

    #[cfg(feature = "gpu")]
    #[test]
    fn devices_take_parts_in_turns() {
        let gpu = Device::wgpu(burn::tensor::DeviceKind::DefaultDevice);
        let [one, other] = [Device::flex(), gpu].map(Site::Local);
        let devices = [one.clone(), other.clone()];
        let part = |start, count, site: &Site| Part { start, count, site: site.clone() };
        assert_eq!(Part::all(8, 1, &devices), [part(0, 4, &one), part(4, 4, &other)]);
        let more = [part(0, 2, &one), part(2, 2, &other), part(4, 2, &one), part(6, 2, &other)];
        assert_eq!(Part::all(8, 3, &devices), more, "as many parts on each");
        assert_eq!(Part::all(1, 1, &devices), [part(0, 1, &one)]);
    }
}

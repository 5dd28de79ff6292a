//! The layers of an encoder in the order of data, by the names of their parameters: what is frozen first,
//! and what moves slowest.

use super::EncoderSettings;

impl EncoderSettings {
    /// How many there are: a stem, and each block. What follows the last block, as a transformer's last
    /// norm, is not among them (timm's and `BEiT`'s way of counting).
    pub fn layers(&self) -> usize {
        match *self {
            Self::Conv4 { .. } => super::conv4::DEPTH,
            Self::Conv4Pool { .. } => super::conv4_pool::DEPTH,
            Self::Resnet { depth, .. } => 1 + depth.blocks().iter().sum::<usize>(),
            Self::Mobilenet { .. } => 1 + super::mobilenet::PAIRS.len(),
            Self::Vit { size, .. } => 1 + size.shape().depth,
            Self::EfficientnetLite { ref size, .. } => 1 + size.shape().blocks(),
            Self::MobilenetV3 { .. } => 1 + super::mobilenet_v3::ROWS.len(),
        }
    }

    /// How many can be frozen: the layers, and what follows the last block where something does.
    pub fn freezable(&self) -> usize {
        let has_more = match *self {
            Self::Conv4 { .. }
            | Self::Vit { .. }
            | Self::EfficientnetLite { .. }
            | Self::MobilenetV3 { .. } => true,
            Self::Conv4Pool { features, .. } => features.is_some(),
            Self::Resnet { .. } | Self::Mobilenet { .. } => false,
        };
        self.layers() + usize::from(has_more)
    }

    /// The layer of a parameter, which is [`layers`](Self::layers) for what follows the last block.
    ///
    /// The name is that in a checkpoint, without `encoder.`.
    pub fn layer_of(&self, name: &str) -> usize {
        let parts: Vec<&str> = name.split('.').collect();
        let number = |place: usize| parts.get(place).and_then(|part| part.parse::<usize>().ok());
        let (first, one) = (parts[0], number(1));
        let found = match *self {
            Self::Conv4 { .. } | Self::Conv4Pool { .. } | Self::MobilenetV3 { .. } => one,
            Self::Resnet { depth, .. } => match (first.strip_prefix("layer"), one) {
                (Some(stage), Some(block)) => stage
                    .parse::<usize>()
                    .ok()
                    .map(|stage| 1 + depth.blocks().iter().take(stage - 1).sum::<usize>() + block),
                _ => Some(0),
            },
            Self::Mobilenet { .. } => Some(one.map_or(0, |pair| 1 + pair)),
            Self::Vit { .. } => match (first, one) {
                ("norm", _) => None,
                (_, block) => Some(block.map_or(0, |block| 1 + block)),
            },
            Self::EfficientnetLite { ref size, .. } => match (first, one, number(2)) {
                ("conv_head" | "bn2", ..) => None,
                (_, Some(stage), Some(block)) => {
                    Some(1 + size.shape().blocks_before(stage) + block)
                }
                _ => Some(0),
            },
        };
        found.unwrap_or(usize::MAX).min(self.layers())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::archive::Archive;

    /// Of each parameter's layer the first name, in the order of layers.
    fn firsts(text: &str) -> Vec<(usize, String)> {
        let settings: EncoderSettings = toml::from_str(text).unwrap();
        let encoder = settings.init(32, 1, &Device::flex()).unwrap();
        let mut archive = Archive::default();
        pollster::block_on(archive.add("", &encoder)).unwrap();
        let mut found: Vec<(usize, String)> =
            archive.names().map(|name| (settings.layer_of(name), name.to_owned())).collect();
        found.sort();
        found.dedup_by_key(|(layer, _)| *layer);
        let last = found.last().unwrap().0;
        assert_eq!(last + 1, settings.freezable(), "{text}");
        assert!(found.iter().enumerate().all(|(place, (layer, _))| place == *layer), "{found:?}");
        found
    }

    #[test]
    fn every_parameter_has_a_layer_and_no_layer_is_empty() {
        for (text, count, last) in [
            ("kind = 'conv4'\nwidth = 2", 5, "dense.bias"),
            ("kind = 'conv4_pool'", 4, "layers.3.conv.weight"),
            ("kind = 'conv4_pool'\ngrid = 2\nfeatures = 5", 5, "dense.weight"),
            ("kind = 'resnet'\ndepth = 18\nwidth = 2", 9, "layer4.1.bn1.bias"),
            ("kind = 'resnet'\ndepth = 50\nwidth = 2", 17, "layer4.2.bn1.bias"),
            ("kind = 'mobilenet'\nwidth_multiplier = 0.1", 14, "pairs.12.depthwise.conv.weight"),
            ("kind = 'vit'\npatch = 8\nsize = {dim = 4, depth = 3, heads = 2}", 5, "norm.bias"),
            ("kind = 'efficientnet_lite'\nsize = 'lite0'", 18, "bn2.bias"),
            ("kind = 'mobilenet_v3'", 13, "features.12.0.weight"),
        ] {
            let found = firsts(text);
            assert_eq!(found.len(), count, "{text}: {found:?}");
            assert_eq!(found.last().unwrap().1, last, "{text}");
        }
    }

    /// Where timm's `param_groups_layer_decay` puts them, for ResNet-18 and `ViT`.
    #[test]
    fn layers_are_timms() {
        let resnet: EncoderSettings = toml::from_str("kind = 'resnet'\ndepth = 18").unwrap();
        for (name, layer) in [("conv1.weight", 0), ("bn1.bias", 0), ("layer2.1.bn2.weight", 4)] {
            assert_eq!(resnet.layer_of(name), layer, "{name}");
        }
        let vit: EncoderSettings =
            toml::from_str("kind = 'vit'\nsize = 'tiny'\npatch = 16").unwrap();
        for (name, layer) in [
            ("cls_token", 0),
            ("pos_embed", 0),
            ("patch_embed.proj.weight", 0),
            ("blocks.0.attn.qkv.weight", 1),
            ("blocks.11.mlp.fc2.bias", 12),
            ("norm.weight", 13),
        ] {
            assert_eq!(vit.layer_of(name), layer, "{name}");
        }
        assert_eq!(vit.layers(), 13);
    }
}

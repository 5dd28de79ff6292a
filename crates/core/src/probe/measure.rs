//! What measures of features are called, and what they say to who meets them first.

use crate::metrics::{Better, Metric, Shown, Unit};

/// A measure of features, with a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its name, title, unit and which way is good.
    pub metric: Metric,
    /// What it says.
    pub says: &'static str,
}

const fn number(name: &'static str, title: &'static str, word: &'static str) -> Metric {
    let metric = Metric::number(name, title, Unit::None).shown(Shown::Report);
    Metric { word, ..metric }
}

/// [`rank_me`](super::rank_me::rank_me).
pub const RANK_ME: Measure = Measure {
    metric: Metric {
        better: Better::Higher,
        shown: Shown::Line,
        ..number("rankme", "RankMe: dimensions in use (higher is better)", "RankMe")
    },
    says: "how many dimensions the features really use: from 1, where all pictures lie on one line, to \
           the number of features",
};

/// [`alignment`](super::sphere::alignment).
pub const ALIGNMENT: Measure = Measure {
    metric: Metric {
        better: Better::Lower,
        ..number(
            "alignment",
            "Alignment: distance between two views (lower is better)",
            "alignment",
        )
    },
    says: "how far apart two augmented views of one picture are; 0: the network sees no difference, 2: \
           they have nothing in common. Good only while uniformity is low too",
};

/// [`uniformity`](super::sphere::uniformity).
pub const UNIFORMITY: Measure = Measure {
    metric: Metric {
        better: Better::Lower,
        ..number(
            "uniformity",
            "Uniformity: how evenly pictures lie apart (lower is better)",
            "uniformity",
        )
    },
    says: "how evenly different pictures lie apart; 0: all in one place, near -4: as evenly as can be",
};

/// [`feature_spread`](crate::metrics::feature_spread) of clean features.
pub const SPREAD: Measure = Measure {
    metric: Metric {
        better: Better::Higher,
        ..number("spread", "Spread of clean features (1 fills the sphere, 0 is collapse)", "spread")
    },
    says: "how much features vary from picture to picture; 1: in all directions alike, 0: all pictures \
           have the same features",
};

/// Weighted neighbours with [`Vote::WIDE`](super::knn::Vote::WIDE).
pub const KNN_WIDE: Measure = Measure {
    metric: Metric::share(
        "knn_200_0.1",
        "kNN accuracy on validation pictures (200 nearest)",
        "kNN of 200",
    )
    .shown(Shown::Report),
    says: "share of pictures whose class their 200 nearest neighbours name",
};

/// [`Agreement::accuracy`](super::agreement::Agreement::accuracy).
pub const CLUSTER_ACCURACY: Measure = Measure {
    metric: Metric::share("accuracy", "Accuracy of clusters", "accuracy of clusters")
        .shown(Shown::File),
    says: "k-means puts the pictures into as many groups as there are classes, without labels: share of \
           pictures whose group stands for their class",
};

/// [`Agreement::nmi`](super::agreement::Agreement::nmi).
pub const CLUSTER_NMI: Measure = Measure {
    metric: Metric {
        better: Better::Higher,
        ..number("nmi", "Normalised mutual information of clusters", "NMI of clusters")
    },
    says: "how much the group of a picture tells about its class; 0: nothing, 1: everything",
};

/// [`Agreement::ari`](super::agreement::Agreement::ari).
pub const CLUSTER_ARI: Measure = Measure {
    metric: Metric {
        better: Better::Higher,
        ..number("ari", "Adjusted Rand index of clusters", "ARI of clusters")
    },
    says: "whether two pictures are in one group when they are of one class; 0: as by chance, 1: always",
};

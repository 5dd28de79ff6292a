//! Losses of all methods and their gradients, against what lightly and the papers' code compute.

use kith_core::method::Reduction;
use kith_core::method::agreement::views_of;
use kith_core::method::barlow::BarlowSettings;
use kith_core::method::byol::ByolSettings;
use kith_core::method::dino::DinoSettings;
use kith_core::method::lejepa::{Centre, LejepaSettings};
use kith_core::method::moco::MocoSettings;
use kith_core::method::moco_v3::MocoV3Settings;
use kith_core::method::nnclr::NnclrSettings;
use kith_core::method::prototypes::scores;
use kith_core::method::simclr::SimclrSettings;
use kith_core::method::simsiam::SimsiamSettings;
use kith_core::method::swav::SwavSettings;
use kith_core::method::vicreg::VicregSettings;
use kith_core::support::{SupportSet, UNKNOWN};
use kith_core::unit::unit_rows;
use kith_core::{Device, Int, Tensor, read};
use kith_tests::fixture::Fixture;
use kith_tests::{cpu, gpu, relative_error};

/// A method's part of the file, on a device.
struct Case<'a> {
    fixture: &'a Fixture,
    method: &'static str,
    device: Device,
    tolerance: f64,
}

impl Case<'_> {
    fn name(&self, what: &str) -> String {
        format!("{}.{what}", self.method)
    }

    fn number(&self, what: &str) -> f64 {
        self.fixture.number(&self.name(what))
    }

    /// An input that has no gradient.
    fn plain<const D: usize>(&self, what: &str) -> Tensor<D> {
        self.fixture.tensor(&self.name(what), &self.device)
    }

    /// An input that has one.
    fn tracked<const D: usize>(&self, what: &str) -> Tensor<D> {
        self.fixture.tensor(&self.name(what), &self.device.clone().autodiff()).require_grad()
    }

    fn pair(&self, what: &str) -> [Tensor<2>; 2] {
        [1, 2].map(|view| self.tracked(&format!("{what}{view}")))
    }

    fn plain_pair(&self, what: &str) -> [Tensor<2>; 2] {
        [1, 2].map(|view| self.plain(&format!("{what}{view}")))
    }

    fn close<const D: usize>(&self, what: &str, got: Tensor<D>) {
        let got = pollster::block_on(read::read(got)).expect("the device reads back");
        let error = relative_error(&got, &self.fixture.values(&self.name(what)));
        let method = self.method;
        assert!(error <= self.tolerance, "{method}: {what}: relative error {error:.2e}");
    }

    /// The loss, and its gradient at each input.
    fn check(&self, loss: &Tensor<1>, inputs: &[(Tensor<2>, &str)]) {
        self.close("loss", loss.clone());
        let gradients = loss.backward();
        for (input, name) in inputs {
            self.close(name, input.grad(&gradients).expect("an input has a gradient"));
        }
    }

    fn check_pair(&self, loss: &Tensor<1>, [first, second]: [Tensor<2>; 2]) {
        self.check(loss, &[(first, "grad1"), (second, "grad2")]);
    }
}

/// Settings out of the text of a table.
fn settings<T: serde::de::DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

const TEACHER: &str = "teacher = { start = 0.9, end = 1.0 }";
const PREDICTOR: &str = "predictor = { hidden = [], output = 3 }";

fn simclr(case: &Case<'_>) {
    let temperature = case.number("temperature");
    let method: SimclrSettings =
        settings(&format!("temperature = {temperature:?}\nform = 'both_views'"));
    let views = case.pair("projections");
    let [first, second] = views.clone();
    case.check_pair(&method.terms(first, second).reduced(Reduction::Mean), views);
}

fn moco(case: &Case<'_>) {
    let (temperature, size) = (case.number("temperature"), case.plain::<2>("queue").dims()[0]);
    let method: MocoSettings = settings(&format!(
        "temperature = {temperature:?}\nqueue = {size}\n{TEACHER}\ndirections = 'one'"
    ));
    let queries: Tensor<2> = case.tracked("queries");
    let (keys, queue): (Tensor<2>, Tensor<2>) = (case.plain("keys"), case.plain("queue"));
    let logits = method.logits(queries.clone(), keys.clone(), queue.clone());
    let [n, _] = logits.dims();
    let first: Tensor<1, Int> = Tensor::zeros([n], &logits.device());
    let loss = kith_core::loss::cross_entropy(logits, first).mean();
    case.check(&loss, &[(queries, "grad")]);
    let unknown = |count| Tensor::full([count], UNKNOWN, &case.device);
    let mut queue = SupportSet::from_rows(queue, unknown(size));
    queue.push(unit_rows(keys), unknown(n));
    case.close("queue_after", queue.rows());
}

fn moco_v3(case: &Case<'_>) {
    let temperature = case.number("temperature");
    let method: MocoV3Settings =
        settings(&format!("temperature = {temperature:?}\n{TEACHER}\n{PREDICTOR}"));
    let queries = case.pair("queries");
    let loss = method.contrast(queries.clone(), case.plain_pair("keys"));
    case.check_pair(&loss, queries);
}

fn nnclr(case: &Case<'_>) {
    let (temperature, queue) = (case.number("temperature"), case.plain::<2>("queue"));
    let [size, _] = queue.dims();
    let unknown = Tensor::full([size], UNKNOWN, &case.device);
    let support = SupportSet::from_rows(queue, unknown);
    for (form, expected) in [("stop_gradient", "loss"), ("same_view_negatives", "lightly_loss")] {
        let method: NnclrSettings = settings(&format!(
            "temperature = {temperature:?}\nqueue = {size}\n[form]\nkind = '{form}'\n{PREDICTOR}"
        ));
        let predictions = case.pair("predictions");
        let projections = case.pair("projections");
        let found = method.found(projections, Some(predictions.clone()), &support);
        for (view, indices) in (1..).zip(found.indices) {
            let got = pollster::block_on(read::read_int(indices)).expect("read");
            let expected = case.fixture.integers(&case.name(&format!("index{view}")));
            assert_eq!(got, expected.into_iter().map(i64::from).collect::<Vec<_>>());
        }
        let loss = found.terms.reduced(Reduction::Mean);
        match expected {
            "loss" => case.check_pair(&loss, predictions),
            other => case.close(other, loss),
        }
    }
}

fn simsiam(case: &Case<'_>) {
    let predictions = case.pair("predictions");
    let loss = SimsiamSettings::unlikeness(predictions.clone(), case.plain_pair("projections"));
    case.check_pair(&loss, predictions);
}

fn byol(case: &Case<'_>) {
    let predictions = case.pair("predictions");
    let loss = ByolSettings::distance(predictions.clone(), case.plain_pair("targets"));
    case.check_pair(&loss, predictions);
}

fn barlow(case: &Case<'_>) {
    let weight = case.number("redundancy_weight");
    let method: BarlowSettings = settings(&format!("redundancy_weight = {weight:?}"));
    let views = case.pair("projections");
    case.check_pair(&method.redundancy(views.clone()), views);
}

fn vicreg(case: &Case<'_>) {
    let weights = case.fixture.values(&case.name("weights"));
    let [invariance, variance, covariance] = weights[..] else { panic!("three weights") };
    let method = VicregSettings {
        invariance: invariance.into(),
        variance: variance.into(),
        covariance: covariance.into(),
    };
    let views = case.pair("projections");
    let terms = VicregSettings::terms(views.clone());
    case.close("terms", Tensor::cat(terms.to_vec(), 0));
    case.check_pair(&method.weighted(&terms), views);
}

fn swav(case: &Case<'_>) {
    let (temperature, epsilon) = (case.number("temperature"), case.number("epsilon"));
    let prototypes: Tensor<2> = case.tracked("prototypes");
    let method: SwavSettings = settings(&format!(
        "prototypes = {}\ntemperature = {temperature:?}\nepsilon = {epsilon:?}\n\
         iterations = {}\nfrozen_epochs = 0\ncrops = 'together'",
        prototypes.dims()[0],
        case.number("iterations"),
    ));
    let queued = case.fixture.has(&case.name("queue")).then(|| {
        let queue: Tensor<3> = case.plain("queue");
        let [_, length, dim] = queue.dims();
        [0, 1].map(|crop| queue.clone().narrow(0, crop, 1).reshape([length, dim]))
    });
    let crops: Vec<Tensor<2>> =
        (1..=4).map(|crop| case.tracked(&format!("projections{crop}"))).collect();
    let units: Vec<Tensor<2>> = crops.iter().cloned().map(unit_rows).collect();
    for global in 0..2 {
        let found = scores(units[global].clone(), prototypes.clone());
        case.close(&format!("scores{}", global + 1), found.clone());
        let queued = queued.as_ref().map(|queued| queued[global].clone());
        let codes = method.codes(found, prototypes.clone(), queued);
        case.close(&format!("codes{}", global + 1), codes);
    }
    let loss = method.swapped(&units, prototypes.clone(), queued);
    let names = ["grad1", "grad2", "grad3", "grad4"];
    let mut inputs: Vec<(Tensor<2>, &str)> = crops.into_iter().zip(names).collect();
    inputs.push((prototypes, "grad_prototypes"));
    case.check(&loss, &inputs);
}

fn dino(case: &Case<'_>) {
    let center: Tensor<1> = case.plain("center");
    let method: DinoSettings = settings(&format!(
        "prototypes = {}\nstudent_temperature = {:?}\ncentre_momentum = {:?}\n{TEACHER}\n\
         teacher_temperature = {{ start = 1, end = 1, warm_up_epochs = 0 }}\nfrozen_epochs = 0\n\
         crops = 'together'",
        center.dims()[0],
        case.number("student_temperature"),
        case.number("center_momentum"),
    ));
    let temperature = case.number("teacher_temperature");
    let teacher = case.plain_pair("teacher");
    let targets =
        teacher.clone().map(|answers| DinoSettings::targets(answers, center.clone(), temperature));
    let student: Vec<Tensor<2>> =
        (1..=4).map(|crop| case.tracked(&format!("student{crop}"))).collect();
    let loss = method.distance(&student, &targets);
    let names = ["grad1", "grad2", "grad3", "grad4"];
    case.check(&loss, &student.into_iter().zip(names).collect::<Vec<_>>());
    case.close("center_after", method.moved(center, Tensor::cat(teacher.to_vec(), 0)));
}

fn lejepa(case: &Case<'_>) {
    let method = LejepaSettings {
        weight: case.number("weight"),
        slices: case.plain::<2>("slices").dims()[1],
        knots: case.number("knots") as usize,
        reach: case.number("t_max"),
        global_views: 2,
        centre: Centre::GlobalViews,
    };
    let (global, local) =
        (case.tracked::<3>("global_projections"), case.tracked::<3>("local_projections"));
    let [_, n, dim] = global.dims();
    let rows = Tensor::cat(vec![global.clone(), local.clone()], 0).reshape([4 * n, dim]);
    let views = views_of(&rows, n);
    let slices: Tensor<2> = case.plain("slices");
    case.close("statistics_of_global1", method.statistics(&views[0], slices.clone()));
    let sigreg = method.sigreg(&views, slices);
    case.close("sigreg", sigreg.clone());
    let invariance = method.invariance(&views);
    case.close("invariance", invariance.clone());
    let of_all = LejepaSettings { centre: Centre::AllViews, ..method.clone() };
    case.close("invariance_to_all", of_all.invariance(&views));
    let loss = method.weighted(sigreg, invariance);
    case.close("loss", loss.clone());
    let gradients = loss.backward();
    case.close("grad_global", global.grad(&gradients).expect("a gradient"));
    case.close("grad_local", local.grad(&gradients).expect("a gradient"));
}

type Check = fn(&Case<'_>);

const METHODS: [(&str, Check); 12] = [
    ("simclr", simclr),
    ("moco", moco),
    ("moco3", moco_v3),
    ("nnclr", nnclr),
    ("simsiam", simsiam),
    ("byol", byol),
    ("barlow", barlow),
    ("vicreg", vicreg),
    ("swav", swav),
    ("swav_queue", swav),
    ("dino", dino),
    ("lejepa", lejepa),
];

fn all_agree(device: &Device, tolerance: f64) {
    let fixture = Fixture::open("methods/losses");
    for (method, check) in METHODS {
        check(&Case { fixture: &fixture, method, device: device.clone(), tolerance });
    }
}

#[test]
fn losses_on_cpu() {
    all_agree(&cpu(), 1e-5);
}

#[test]
fn losses_on_wgpu() {
    all_agree(&gpu(), 1e-3);
}

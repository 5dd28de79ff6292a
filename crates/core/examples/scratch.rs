#![allow(warnings)]
#![allow(clippy::all)]
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Distribution, Shape, Tensor, s};
use std::time::Instant;
fn t<R>(name: &str, mut f: impl FnMut() -> R) -> f64 {
    let mut v = vec![];
    for _ in 0..5 {
        let a = Instant::now();
        let r = f();
        v.push(a.elapsed().as_secs_f64());
        drop(r);
    }
    v.sort_by(f64::total_cmp);
    println!("{name:50} {:.1} ms", v[2] * 1e3);
    v[2]
}
fn rnd<const D: usize>(s: [usize; D], d: &Device) -> Tensor<D> {
    Tensor::random(s, Distribution::Normal(0.0, 1.0), d)
}
fn main() {
    let d = Device::flex();
    let n = 64;
    for (cin, h) in [(3usize, 96usize), (128, 47), (128, 23), (128, 11)] {
        let cout = 128;
        let oh = (h - 3) / 2 + 1;
        let gf = 2.0 * (n * oh * oh * cout * cin * 9) as f64 * 1e-9;
        println!("--- {cin} {h} -> {oh}: {gf:.2} GFLOP");
        let x = rnd([n, cin, h, h], &d);
        let w = rnd([cout, cin, 3, 3], &d);
        let b = rnd([cout], &d);
        let o = || ConvOptions::new([2, 2], [0, 0], [1, 1], 1);
        t("conv2d", || conv2d(x.clone(), w.clone(), Some(b.clone()), o()));
        let dy = rnd([n, cout, oh, oh], &d);
        let wa = w.clone().autodiff().require_grad();
        let y = conv2d(x.clone().autodiff(), wa.clone(), None, o());
        t("conv2d dW (fwd+bwd)", || {
            (conv2d(x.clone().autodiff(), wa.clone(), None, o()) * dy.clone().autodiff())
                .sum()
                .backward()
        });
        if cin > 3 {
            let xa = x.clone().autodiff().require_grad();
            t("conv2d dX (fwd+bwd)", || {
                (conv2d(xa.clone(), w.clone().autodiff(), None, o()) * dy.clone().autodiff())
                    .sum()
                    .backward()
            });
        }
        let (m, k) = (n * oh * oh, cin * 9);
        let cols = rnd([m, k], &d);
        let wk = rnd([k, cout], &d);
        let g = rnd([m, cout], &d);
        let wo = rnd([cout, k], &d);
        let z = t("matmul cols w", || cols.clone().matmul(wk.clone()));
        println!("   {:.1} GF/s", gf / z);
        let z = t("matmul cols wT", || cols.clone().matmul(wo.clone().transpose()));
        println!("   {:.1} GF/s", gf / z);
        let z = t("matmul colsT g", || cols.clone().transpose().matmul(g.clone()));
        println!("   {:.1} GF/s", gf / z);
        let z = t("matmul gT cols", || g.clone().transpose().matmul(cols.clone()));
        println!("   {:.1} GF/s", gf / z);
        let z = t("matmul g wT", || g.clone().matmul(wk.clone().transpose()));
        println!("   {:.1} GF/s", gf / z);
        let z = t("matmul g w", || g.clone().matmul(wo.clone()));
        println!("   {:.1} GF/s", gf / z);
        // im2col
        let xh = rnd([n, h, h, cin], &d);
        t("nchw->nhwc", || x.clone().permute([0, 2, 3, 1]).reshape([n * h * h * cin]));
        t("nhwc->nchw out", || {
            g.clone().reshape([n, oh, oh, cout]).permute([0, 3, 1, 2]).reshape([m * cout])
        });
        t("cat of nine", || {
            let mut c = vec![];
            for i in 0..3usize {
                for j in 0..3usize {
                    let (ei, ej) = (i + (oh - 1) * 2 + 1, j + (oh - 1) * 2 + 1);
                    c.push(xh.clone().slice(s![.., i..ei;2, j..ej;2, ..]));
                }
            }
            Tensor::cat(c, 3).reshape([m, k])
        });
        let uf = |x: Tensor<4>| -> Tensor<2> {
            x.unfold::<5, _>(1, 3, 2)
                .unfold::<6, _>(2, 3, 2)
                .permute([0, 1, 2, 4, 5, 3])
                .reshape([m, k])
        };
        t("unfold copy", || uf(xh.clone()));
        if cin > 3 {
            let xa = xh.clone().autodiff().require_grad();
            t("unfold fwd+bwd", || {
                let c = xa
                    .clone()
                    .unfold::<5, _>(1, 3, 2)
                    .unfold::<6, _>(2, 3, 2)
                    .permute([0, 1, 2, 4, 5, 3])
                    .reshape([m, k]);
                (c.sum()).backward()
            });
        }
        t("relu g", || burn::tensor::activation::relu(g.clone()));
        t("add bias g", || g.clone() + b.clone().unsqueeze());
        t("sum g", || g.clone().sum_dim(0));
    }
}

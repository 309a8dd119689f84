//! Sizes and costs of the architectures are the published ones.

#![expect(clippy::unwrap_used, reason = "tests")]

use semio_nn::{Architecture, Blueprint, registry};

/// Parameters with 1000 classes, and thousand million multiply-adds at the usual size: `num_params` and `_ops` in the
/// meta data of torchvision 0.29.2's weights. `googlenet` counts its auxiliary heads, which torchvision's figure
/// (6,624,904) leaves out.
const TORCHVISION: [(&str, usize, f64); 80] = [
    ("alexnet", 61_100_840, 0.714),
    ("convnext_tiny", 28_589_128, 4.456),
    ("convnext_small", 50_223_688, 8.684),
    ("convnext_base", 88_591_464, 15.355),
    ("convnext_large", 197_767_336, 34.361),
    ("densenet121", 7_978_856, 2.834),
    ("densenet161", 28_681_000, 7.728),
    ("densenet169", 14_149_480, 3.360),
    ("densenet201", 20_013_928, 4.291),
    ("efficientnet_b0", 5_288_548, 0.386),
    ("efficientnet_b1", 7_794_184, 0.687),
    ("efficientnet_b2", 9_109_994, 1.088),
    ("efficientnet_b3", 12_233_232, 1.827),
    ("efficientnet_b4", 19_341_616, 4.394),
    ("efficientnet_b5", 30_389_784, 10.266),
    ("efficientnet_b6", 43_040_704, 19.068),
    ("efficientnet_b7", 66_347_960, 37.746),
    ("efficientnet_v2_s", 21_458_488, 8.366),
    ("efficientnet_v2_m", 54_139_356, 24.582),
    ("efficientnet_v2_l", 118_515_272, 56.080),
    ("googlenet", 13_004_888, 1.498),
    ("inception_v3", 27_161_264, 5.713),
    ("maxvit_t", 30_919_624, 5.558),
    ("mnasnet0_5", 2_218_512, 0.104),
    ("mnasnet0_75", 3_170_208, 0.215),
    ("mnasnet1_0", 4_383_312, 0.314),
    ("mnasnet1_3", 6_282_256, 0.526),
    ("mobilenet_v2", 3_504_872, 0.301),
    ("mobilenet_v3_large", 5_483_032, 0.217),
    ("mobilenet_v3_small", 2_542_856, 0.057),
    ("regnet_x_400mf", 5_495_976, 0.414),
    ("regnet_x_800mf", 7_259_656, 0.800),
    ("regnet_x_1_6gf", 9_190_136, 1.603),
    ("regnet_x_3_2gf", 15_296_552, 3.177),
    ("regnet_x_8gf", 39_572_648, 7.995),
    ("regnet_x_16gf", 54_278_536, 15.941),
    ("regnet_x_32gf", 107_811_560, 31.736),
    ("regnet_y_400mf", 4_344_144, 0.402),
    ("regnet_y_800mf", 6_432_512, 0.834),
    ("regnet_y_1_6gf", 11_202_430, 1.612),
    ("regnet_y_3_2gf", 19_436_338, 3.176),
    ("regnet_y_8gf", 39_381_472, 8.473),
    ("regnet_y_16gf", 83_590_140, 15.912),
    ("regnet_y_32gf", 145_046_770, 32.280),
    ("regnet_y_128gf", 644_812_894, 374.570),
    ("resnet18", 11_689_512, 1.814),
    ("resnet34", 21_797_672, 3.664),
    ("resnet50", 25_557_032, 4.089),
    ("resnet101", 44_549_160, 7.801),
    ("resnet152", 60_192_808, 11.514),
    ("resnext50_32x4d", 25_028_904, 4.230),
    ("resnext101_32x8d", 88_791_336, 16.414),
    ("resnext101_64x4d", 83_455_272, 15.460),
    ("wide_resnet50_2", 68_883_240, 11.398),
    ("wide_resnet101_2", 126_886_696, 22.753),
    ("shufflenet_v2_x0_5", 1_366_792, 0.040),
    ("shufflenet_v2_x1_0", 2_278_604, 0.145),
    ("shufflenet_v2_x1_5", 3_503_624, 0.296),
    ("shufflenet_v2_x2_0", 7_393_996, 0.583),
    ("squeezenet1_0", 1_248_424, 0.819),
    ("squeezenet1_1", 1_235_496, 0.349),
    ("swin_t", 28_288_354, 4.491),
    ("swin_s", 49_606_258, 8.741),
    ("swin_b", 87_768_224, 15.431),
    ("swin_v2_t", 28_351_570, 5.940),
    ("swin_v2_s", 49_737_442, 11.546),
    ("swin_v2_b", 87_930_848, 20.325),
    ("vgg11", 132_863_336, 7.609),
    ("vgg11_bn", 132_868_840, 7.609),
    ("vgg13", 133_047_848, 11.308),
    ("vgg13_bn", 133_053_736, 11.308),
    ("vgg16", 138_357_544, 15.470),
    ("vgg16_bn", 138_365_992, 15.470),
    ("vgg19", 143_667_240, 19.632),
    ("vgg19_bn", 143_678_248, 19.632),
    ("vit_b_16", 86_567_656, 17.564),
    ("vit_b_32", 88_224_232, 4.409),
    ("vit_l_16", 304_326_632, 61.555),
    ("vit_l_32", 306_535_400, 15.378),
    ("vit_h_14", 633_470_440, 1016.717),
];

/// Parameters with 1000 classes, in millions, as timm lists them (`results/model_benchmark_amp_nchw_rtx3090.csv`).
const TIMM: [(&str, f64); 2] = [("xception", 22.86), ("inception_resnet_v2", 55.84)];

fn counts(name: &str) -> (usize, u64) {
    let architecture = Architecture::find(name).unwrap();
    let (channels, side) = (architecture.channels, architecture.size);
    let graph = architecture.build(&Blueprint { channels, height: side, width: side, outputs: 1000 }).unwrap();
    (graph.parameter_count(), graph.multiply_adds())
}

#[test]
fn torchvisions_networks_have_their_size_and_cost() {
    for (name, parameters, cost) in TORCHVISION {
        let (p, c) = counts(name);
        assert_eq!(p, parameters, "{name}");
        assert!((c as f64 / 1e9 - cost).abs() <= 0.000_6, "{name}: {c} instead of {cost} thousand million");
    }
    for (name, millions) in TIMM {
        assert!((counts(name).0 as f64 / 1e6 - millions).abs() <= 0.005, "{name}");
    }
}

#[test]
fn every_name_stands_once() {
    let mut names: Vec<&str> = registry().iter().map(|a| a.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

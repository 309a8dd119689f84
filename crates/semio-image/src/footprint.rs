use crate::{Fit, MAX_SIDE, Pipeline, Step, resize::scaled};

impl Pipeline {
    /// How large one pixel of what the network reads is in the stored picture: columns and rows of it.
    ///
    /// Every step keeps the middle of the picture in the middle, so this tells where each pixel comes from.
    pub fn pixel_size(&self, width: usize, height: usize) -> [f64; 2] {
        let (mut w, mut h) = (width, height);
        let mut size = [1.0, 1.0];
        for step in self.steps() {
            match step {
                Step::Resize { width, height, fit, .. } => {
                    let (to_w, to_h) = match fit {
                        Fit::Stretch => (*width, *height),
                        Fit::Contain => {
                            (scaled(w, *height, h).clamp(1, *width), scaled(h, *width, w).clamp(1, *height))
                        }
                        Fit::Cover => {
                            let longest = |across: usize, side: usize| across.saturating_mul(MAX_SIDE).div_ceil(side);
                            (w, h) = (w.min(longest(h, *height)), h.min(longest(w, *width)));
                            (
                                scaled(w, *height, h).clamp(*width, MAX_SIDE),
                                scaled(h, *width, w).clamp(*height, MAX_SIDE),
                            )
                        }
                    };
                    size = [size[0] * w as f64 / to_w as f64, size[1] * h as f64 / to_h as f64];
                    (w, h) = (to_w, to_h);
                }
                Step::Crop { width, height } => (w, h) = (w.min(*width), h.min(*height)),
                Step::Pad { width, height, .. } => (w, h) = (w.max(*width), h.max(*height)),
                _ => {}
            }
        }
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, Depth, Filter};

    fn pipeline(fit: Fit, last: Step) -> Pipeline {
        Pipeline::new(vec![
            Step::Depth { range: Depth::Full },
            Step::Color { to: Color::Grey },
            Step::Resize { width: 100, height: 100, filter: Filter::Bilinear, fit },
            last,
            Step::Scale {},
        ])
        .expect("is in order")
    }

    fn near(got: [f64; 2], expected: [f64; 2]) -> bool {
        got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-12)
    }

    #[test]
    fn a_pixel_is_as_large_as_the_resizing_makes_it() {
        let stretch = Pipeline::standard(100, 50, Color::Grey);
        assert!(near(stretch.pixel_size(200, 200), [2.0, 4.0]));
        let pad = pipeline(Fit::Contain, Step::Pad { width: 100, height: 100, value: 0.0 });
        assert!(near(pad.pixel_size(400, 200), [4.0, 4.0]));
        let crop = pipeline(Fit::Cover, Step::Crop { width: 100, height: 100 });
        assert!(near(crop.pixel_size(400, 200), [2.0, 2.0]));
    }
}

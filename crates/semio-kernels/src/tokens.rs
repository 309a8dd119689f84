//! Moves between maps and tokens, and between pixels and channels.
//!
//! Tokens are maps of one row: a token is a pixel, and its values are the pixel's channels.

use crate::{
    maps::{Maps, View},
    pixels::each_block,
    simd::{Kernel, LANES, Simd, run},
    threads::parallel,
};

/// Turns maps into tokens: `first` with the first position's values, then every pixel, row by row, with its own
/// position's. `positions` are those of one picture, `1 + pixels` in one row; `first` is one pixel.
///
/// # Panics
/// Where sizes differ.
pub fn embed(x: &Maps, first: &Maps, positions: &Maps, y: &mut Maps) {
    struct Task(View, View, View, View, usize, usize);
    impl Kernel for Task {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self(x, first, positions, y, image, block) = self;
            let (position, to) = (positions.at(0, block, 0, 0), y.at(image, block, 0, 0));
            S::store(to, S::add(S::load(first.at(0, block, 0, 0)), S::load(position)));
            for row in 0..x.height {
                let from = x.at(image, block, row as isize, 0);
                for i in 0..x.width {
                    let at = (1 + row * x.width + i) * LANES;
                    S::store(to.add(at), S::add(S::load(from.add(i * LANES)), S::load(position.add(at))));
                }
            }
        }
    }
    let (x, first, positions, y) = (x.view(), first.view(), positions.view(), y.view_mut());
    let tokens = 1 + x.height * x.width;
    assert_eq!([y.batch, y.channels, y.height, y.width], [x.batch, x.channels, 1, tokens], "one token a pixel");
    assert_eq!(
        [positions.channels, positions.height, positions.width],
        [x.channels, 1, tokens],
        "one position a token"
    );
    assert_eq!([first.channels, first.height, first.width], [x.channels, 1, 1], "one first token");
    each_block(y, |image, block| {
        // SAFETY: each task writes its own block.
        unsafe { run(Task(x, first, positions, y, image, block)) }
    });
}

/// Takes each picture's first pixel as a batch of vectors.
///
/// # Panics
/// Where sizes differ.
pub fn first_pixel(x: &Maps, y: &mut Maps) {
    let (x, y) = (x.view(), y.view_mut());
    assert_eq!([y.batch, y.channels, y.height, y.width], [1, x.channels, 1, x.batch], "one vector a picture");
    for i in 0..x.batch * x.blocks {
        let (image, block) = (i / x.blocks, i % x.blocks);
        // SAFETY: both places hold one block's channels.
        unsafe { std::ptr::copy_nonoverlapping(x.at(image, block, 0, 0), y.at(0, block, 0, image as isize), LANES) }
    }
}

/// Puts the four pixels of each 2 × 2 square one above the other, with zeros beyond the maps: all channels of the upper
/// left, then lower left, upper right and lower right one.
///
/// # Panics
/// Where sizes differ.
pub fn merge_squares(x: &Maps, y: &mut Maps) {
    let (x, y) = (x.view(), y.view_mut());
    let sides = [x.height.div_ceil(2), x.width.div_ceil(2)];
    assert_eq!([y.batch, y.height, y.width], [x.batch, sides[0], sides[1]], "maps of half the sides");
    assert_eq!(y.channels, 4 * x.channels, "four pixels' channels");
    struct Row(View, View, usize, usize);
    impl Kernel for Row {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self(x, y, image, row) = self;
            for part in 0..4 {
                let (from, right) = (2 * row + part % 2, part / 2);
                for block in 0..x.blocks {
                    let to = y.at(image, part * x.blocks + block, row as isize, 0);
                    for i in 0..y.width {
                        let column = 2 * i + right;
                        let inside = from < x.height && column < x.width;
                        let value = if inside {
                            S::load(x.at(image, block, from as isize, column as isize))
                        } else {
                            S::zero()
                        };
                        S::store(to.add(i * LANES), value);
                    }
                }
            }
        }
    }
    parallel(y.batch * y.height, |i| {
        let (image, row) = (i / y.height, i % y.height);
        if x.channels.is_multiple_of(LANES) {
            // SAFETY: each task writes its own row.
            unsafe { run(Row(x, y, image, row)) }
            return;
        }
        for c in 0..y.blocks * LANES {
            let (part, channel) = (c / x.channels, c % x.channels);
            for i in 0..y.width {
                let (from, column) = (2 * row + part % 2, 2 * i + part / 2);
                let inside = part < 4 && from < x.height && column < x.width;
                // SAFETY: the places exist; each task writes its own row.
                unsafe {
                    let place = |v: View, c: usize, row: usize, column: usize| {
                        v.at(image, c / LANES, row as isize, column as isize).add(c % LANES)
                    };
                    *place(y, c, row, i) = if inside { *place(x, channel, from, column) } else { 0.0 };
                }
            }
        }
    });
}

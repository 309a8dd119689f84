//! Smooth random fields (value noise on a lattice), for outlines, textures and uneven brightness.

/// A smooth random field over the plane, with values from −1 to 1 and details of size 1.
#[derive(Clone, Copy)]
pub(super) struct Noise(pub(super) u32);

impl Noise {
    /// The field's value at a place.
    pub(super) fn at(self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (u, v) = (ease(x - left), ease(y - top));
        let (i, j) = (left as i32, top as i32);
        let upper = mix(self.lattice(i, j), self.lattice(i.wrapping_add(1), j), u);
        let lower = mix(self.lattice(i, j.wrapping_add(1)), self.lattice(i.wrapping_add(1), j.wrapping_add(1)), u);
        mix(upper, lower, v)
    }

    /// Three fields on top of one another, each with details half as large and half as strong.
    pub(super) fn fractal(self, x: f32, y: f32) -> f32 {
        (self.at(x, y) + 0.5 * self.at(x * 2.0 + 17.3, y * 2.0) + 0.25 * self.at(x * 4.0, y * 4.0 + 31.7)) / 1.75
    }

    /// Lines: 1 on the field's zero crossings, falling to 0 at a value of `width`.
    pub(super) fn lines(self, x: f32, y: f32, width: f32) -> f32 {
        (1.0 - self.at(x, y).abs() / width).max(0.0)
    }

    fn lattice(self, i: i32, j: i32) -> f32 {
        // The finaliser of MurmurHash3 (Appleby) over the three words.
        let mut h =
            self.0 ^ (i as u32).wrapping_mul(0x9e37_79b1) ^ (j as u32).wrapping_mul(0x85eb_ca77).rotate_left(16);
        h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
        h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
        h ^= h >> 16;
        h as f32 / (u32::MAX as f32 / 2.0) - 1.0
    }
}

/// Goes from `a` to `b` while `t` goes from 0 to 1.
pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

fn ease(t: f32) -> f32 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

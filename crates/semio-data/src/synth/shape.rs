//! Outlines with a signed distance: negative inside, positive outside.

use super::random::Random;

/// An ellipse, turned, whose outline waves.
#[derive(Clone, Copy)]
pub(super) struct Blob {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) rx: f32,
    pub(super) ry: f32,
    cos: f32,
    sin: f32,
    /// Strength and phase of the waves with 2, 3, 4 … bends around the outline.
    waves: [(f32, f32); 5],
    reach: f32,
}

impl Blob {
    /// Builds a plain ellipse with centre, half axes and angle (radians, clockwise).
    pub(super) fn ellipse(x: f32, y: f32, rx: f32, ry: f32, angle: f32) -> Self {
        Self { x, y, rx, ry, cos: angle.cos(), sin: angle.sin(), waves: [(0.0, 0.0); 5], reach: 1.0 }
    }

    /// Lets the outline wave by about `strength` of its radius.
    pub(super) fn waving(mut self, strength: f32, random: &mut Random) -> Self {
        for (k, wave) in self.waves.iter_mut().enumerate() {
            *wave = (strength * random.between(0.3, 1.0) / (k + 1) as f32, random.angle());
        }
        self.reach = 1.0 + self.waves.iter().map(|w| w.0).sum::<f32>();
        self
    }

    /// Builds the same shape on the other side of the mid-line.
    pub(super) fn mirrored(mut self) -> Self {
        self.x = -self.x;
        self.sin = -self.sin;
        self
    }

    /// The distance from the outline, about; exact only for a circle.
    pub(super) fn distance(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.x, y - self.y);
        let u = (dx * self.cos + dy * self.sin) / self.rx;
        let v = (dy * self.cos - dx * self.sin) / self.ry;
        let rho = u.hypot(v);
        let least = self.rx.min(self.ry);
        // Far away the waves do not matter, and their sines cost most of the time.
        if self.reach <= 1.0 || rho > self.reach + 0.5 {
            return (rho - 1.0) * least;
        }
        let angle = v.atan2(u);
        let outline: f32 =
            1.0 + self.waves.iter().zip(2..).map(|(w, bends)| w.0 * (bends as f32 * angle + w.1).sin()).sum::<f32>();
        (rho - outline) * least
    }

    /// The point of the outline in the direction `angle` of the shape's own axes, and the unit vector outwards.
    pub(super) fn border(&self, angle: f32) -> ((f32, f32), (f32, f32)) {
        let (cos, sin) = (angle.cos(), angle.sin());
        let place = self.turn(self.rx * cos, self.ry * sin);
        let out = self.turn(cos / self.rx, sin / self.ry);
        let length = out.0.hypot(out.1);
        ((self.x + place.0, self.y + place.1), (out.0 / length, out.1 / length))
    }

    fn turn(&self, u: f32, v: f32) -> (f32, f32) {
        (u * self.cos - v * self.sin, u * self.sin + v * self.cos)
    }
}

/// How much of a pixel lies inside: 1 for a distance below −`soft`, 0 above `soft`, smooth between.
pub(super) fn inside(distance: f32, soft: f32) -> f32 {
    let t = ((soft - distance) / (2.0 * soft)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The distance of a place from the straight line between two points.
pub(super) fn segment(x: f32, y: f32, from: (f32, f32), to: (f32, f32)) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let t = (((x - from.0) * dx + (y - from.1) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    (x - from.0 - t * dx).hypot(y - from.1 - t * dy)
}

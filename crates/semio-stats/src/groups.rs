use std::collections::HashMap;

/// The number of each picture's group, counted from 0 in the order in which groups appear.
///
/// Without a name (or an empty one) a picture is its own group.
pub(crate) fn clusters(pictures: usize, groups: Option<&[String]>) -> Vec<usize> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut next = 0;
    let mut fresh = || {
        next += 1;
        next - 1
    };
    (0..pictures)
        .map(|picture| match groups.and_then(|g| g.get(picture)).filter(|g| !g.is_empty()) {
            Some(name) => *numbers.entry(name).or_insert_with(&mut fresh),
            None => fresh(),
        })
        .collect()
}

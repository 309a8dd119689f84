use crate::plot::{EpochFigures, decimal, percent};

/// From this rise of the validation loss above its lowest value on, over-fitting is said.
const RISE: f64 = 1.1;
/// From this lead of the training accuracy on, over-fitting is said.
const LEAD: f64 = 0.1;

/// Says in words whether the learning curves show over-fitting; `None` without a validation loss in three epochs.
pub fn overfitting_remark(history: &[EpochFigures], best_epoch: Option<u32>) -> Option<String> {
    let with_loss: Vec<(&EpochFigures, f64)> =
        history.iter().filter_map(|e| e.val_loss.filter(|l| l.is_finite()).map(|l| (e, l))).collect();
    if with_loss.len() < 3 {
        return None;
    }
    let &(lowest, lowest_loss) = with_loss.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let &(last, last_loss) = with_loss.last()?;
    if last_loss > lowest_loss * RISE && last.train_loss < lowest.train_loss {
        let kept = match best_epoch {
            Some(best) if best <= lowest.epoch => {
                format!(" The weights of epoch {best} were kept, from before that rise.")
            }
            Some(best) => format!(
                " The weights of epoch {best} were kept, from within that rise: a smaller network, more augmentation or \
                 more regularisation may do better."
            ),
            None => String::new(),
        };
        return Some(format!(
            "Over-fitting: from epoch {} to epoch {} the training loss fell from {} to {}, while the validation loss \
             rose from {} to {}.{kept}",
            lowest.epoch,
            last.epoch,
            decimal(lowest.train_loss, 3),
            decimal(last.train_loss, 3),
            decimal(lowest_loss, 3),
            decimal(last_loss, 3),
        ));
    }
    let kept = best_epoch.and_then(|b| history.iter().find(|e| e.epoch == b)).unwrap_or(last);
    if let (Some(train), Some(val)) = (kept.train_accuracy, kept.val_accuracy)
        && train - val > LEAD
    {
        return Some(format!(
            "Over-fitting: at epoch {} the accuracy is {} on the training pictures and {} on the validation pictures.",
            kept.epoch,
            percent(train),
            percent(val),
        ));
    }
    if lowest.epoch == last.epoch {
        return Some(format!(
            "No sign of over-fitting. The validation loss was lowest in the last epoch ({}), {}: longer training may do \
             better.",
            last.epoch,
            decimal(last_loss, 3),
        ));
    }
    Some(format!(
        "No clear sign of over-fitting: the validation loss was lowest in epoch {} ({}) and ended at {}.",
        lowest.epoch,
        decimal(lowest_loss, 3),
        decimal(last_loss, 3),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(rows: &[(f64, f64, f64, f64)]) -> Vec<EpochFigures> {
        (1..)
            .zip(rows)
            .map(|(epoch, &(train_loss, val_loss, train, val))| EpochFigures {
                epoch,
                train_loss,
                val_loss: Some(val_loss),
                train_accuracy: Some(train),
                val_accuracy: Some(val),
            })
            .collect()
    }

    #[test]
    fn says_what_the_curves_show() {
        let rising = history(&[(1.0, 1.0, 0.5, 0.5), (0.5, 0.7, 0.8, 0.75), (0.1, 1.2, 0.99, 0.74)]);
        let remark = overfitting_remark(&rising, Some(2)).unwrap_or_default();
        assert!(
            remark.starts_with("Over-fitting: from epoch 2 to epoch 3") && remark.ends_with("that rise."),
            "{remark}"
        );
        assert!(overfitting_remark(&rising, Some(3)).unwrap_or_default().contains("from within that rise"));
        let lead = history(&[(1.0, 1.0, 0.5, 0.5), (0.5, 0.7, 0.8, 0.75), (0.1, 0.72, 0.99, 0.74)]);
        assert!(overfitting_remark(&lead, Some(3)).unwrap_or_default().starts_with("Over-fitting: at epoch 3"));
        let falling = history(&[(1.0, 1.0, 0.5, 0.5), (0.8, 0.8, 0.6, 0.6), (0.7, 0.7, 0.7, 0.7)]);
        assert!(overfitting_remark(&falling, Some(3)).unwrap_or_default().contains("longer training"));
        let flat = history(&[(1.0, 1.0, 0.5, 0.5), (0.8, 0.8, 0.6, 0.6), (0.7, 0.82, 0.7, 0.7)]);
        assert!(overfitting_remark(&flat, Some(2)).unwrap_or_default().starts_with("No clear sign"));
        assert_eq!(overfitting_remark(&flat[..2], Some(2)), None);
    }
}

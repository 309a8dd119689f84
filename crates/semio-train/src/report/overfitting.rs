use crate::{
    language::{Language, say},
    plot::EpochFigures,
};

/// From this rise of the validation loss above its lowest value on, over-fitting is said.
const RISE: f64 = 1.1;
/// From this lead of the training accuracy on, over-fitting is said.
const LEAD: f64 = 0.1;

/// Says in words whether the learning curves show over-fitting; `None` without a validation loss in three epochs.
pub fn overfitting_remark(history: &[EpochFigures], best_epoch: Option<u32>, language: Language) -> Option<String> {
    let with_loss: Vec<(&EpochFigures, f64)> =
        history.iter().filter_map(|e| e.val_loss.filter(|l| l.is_finite()).map(|l| (e, l))).collect();
    if with_loss.len() < 3 {
        return None;
    }
    let &(lowest, lowest_loss) = with_loss.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let &(last, last_loss) = with_loss.last()?;
    let loss = |value: f64| language.decimal(value, 3);
    let (low, high, first, end) = (loss(lowest_loss), loss(last_loss), lowest.epoch, last.epoch);
    if last_loss > lowest_loss * RISE && last.train_loss < lowest.train_loss {
        let kept = match best_epoch {
            Some(best) if best <= first => say!(
                language,
                " The weights of epoch {best} were kept, from before that rise.",
                " Les poids de l’époque {best}, d’avant cette hausse, ont été gardés."
            ),
            Some(best) => say!(
                language,
                " The weights of epoch {best} were kept, from within that rise: a smaller network, more augmentation or \
                 more regularisation may do better.",
                " Les poids de l’époque {best}, pendant cette hausse, ont été gardés : un réseau plus petit, plus \
                 d’augmentation ou de régularisation peuvent faire mieux."
            ),
            None => String::new(),
        };
        let (from, to) = (loss(lowest.train_loss), loss(last.train_loss));
        return Some(say!(
            language,
            "Over-fitting: from epoch {first} to epoch {end} the training loss fell from {from} to {to}, while the \
             validation loss rose from {low} to {high}.{kept}",
            "Surapprentissage : de l’époque {first} à l’époque {end}, la perte d’entraînement est descendue de {from} à \
             {to}, tandis que la perte de validation est montée de {low} à {high}.{kept}"
        ));
    }
    let kept = best_epoch.and_then(|b| history.iter().find(|e| e.epoch == b)).unwrap_or(last);
    if let (Some(train), Some(val)) = (kept.train_accuracy, kept.val_accuracy)
        && train - val > LEAD
    {
        let (epoch, [train, val]) = (kept.epoch, [train, val].map(|share| language.percent(share)));
        return Some(say!(
            language,
            "Over-fitting: at epoch {epoch} the accuracy is {train} on the training pictures and {val} on the validation \
             pictures.",
            "Surapprentissage : à l’époque {epoch}, l’exactitude est de {train} sur les images d’entraînement et de {val} \
             sur celles de validation."
        ));
    }
    if first == end {
        return Some(say!(
            language,
            "No sign of over-fitting. The validation loss was lowest in the last epoch ({end}), {high}: longer training \
             may do better.",
            "Aucun signe de surapprentissage. La perte de validation était la plus basse à la dernière époque ({end}), \
             {high} : un entraînement plus long peut faire mieux."
        ));
    }
    Some(say!(
        language,
        "No clear sign of over-fitting: the validation loss was lowest in epoch {first} ({low}) and ended at {high}.",
        "Aucun signe net de surapprentissage : la perte de validation était la plus basse à l’époque {first} ({low}) et a \
         fini à {high}."
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

    fn said(history: &[EpochFigures], best: Option<u32>) -> Option<String> {
        overfitting_remark(history, best, Language::English)
    }

    #[test]
    fn says_what_the_curves_show() {
        let rising = history(&[(1.0, 1.0, 0.5, 0.5), (0.5, 0.7, 0.8, 0.75), (0.1, 1.2, 0.99, 0.74)]);
        let remark = said(&rising, Some(2)).unwrap_or_default();
        assert!(
            remark.starts_with("Over-fitting: from epoch 2 to epoch 3") && remark.ends_with("that rise."),
            "{remark}"
        );
        assert!(said(&rising, Some(3)).unwrap_or_default().contains("from within that rise"));
        let lead = history(&[(1.0, 1.0, 0.5, 0.5), (0.5, 0.7, 0.8, 0.75), (0.1, 0.72, 0.99, 0.74)]);
        assert!(said(&lead, Some(3)).unwrap_or_default().starts_with("Over-fitting: at epoch 3"));
        let falling = history(&[(1.0, 1.0, 0.5, 0.5), (0.8, 0.8, 0.6, 0.6), (0.7, 0.7, 0.7, 0.7)]);
        assert!(said(&falling, Some(3)).unwrap_or_default().contains("longer training"));
        let flat = history(&[(1.0, 1.0, 0.5, 0.5), (0.8, 0.8, 0.6, 0.6), (0.7, 0.82, 0.7, 0.7)]);
        assert!(said(&flat, Some(2)).unwrap_or_default().starts_with("No clear sign"));
        assert_eq!(said(&flat[..2], Some(2)), None);
    }
}

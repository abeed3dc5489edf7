//! What an inference says.

/// The answer of a classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The class with the highest score.
    pub class: usize,
    /// The probability that the model gives this class: its score where the scores are probabilities, else
    /// its softmax.
    pub confidence: f32,
    /// The score of each class, as the model puts it out.
    pub scores: Vec<f32>,
}

impl Answer {
    pub(crate) fn new(scores: &[f32]) -> Self {
        let best = scores
            .iter()
            .copied()
            .enumerate()
            .max_by(|(_, a), (_, b)| a.total_cmp(b));
        let (class, highest) = best.unwrap_or((0, 0.0));
        let sum: f32 = scores.iter().sum();
        let probabilities = scores.iter().all(|score| (0.0..=1.0).contains(score));
        let confidence = if probabilities && (sum - 1.0).abs() < 1e-3 {
            highest
        } else {
            scores
                .iter()
                .map(|score| (score - highest).exp())
                .sum::<f32>()
                .recip()
        };
        Self {
            class,
            confidence,
            scores: scores.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scores: &[f32], class: usize, confidence: f32) {
        let answer = Answer::new(scores);
        assert_eq!(answer.class, class, "{scores:?}");
        assert!((answer.confidence - confidence).abs() < 1e-4, "{answer:?}");
    }

    #[test]
    fn confidence_is_a_probability_of_the_best_class() {
        check(&[0.1, 0.7, 0.2], 1, 0.7);
        check(&[3.0, 3.0 + 2.0_f32.ln(), -100.0], 1, 2.0 / 3.0);
        check(&[-4.0], 0, 1.0);
    }
}

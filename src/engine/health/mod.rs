//! Verdicts → health → effective weights, pure (layer 1).

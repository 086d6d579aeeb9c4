//! keepalived.conf → model (layer 1): lexer with spans, keyword table, lowering, diagnostics.

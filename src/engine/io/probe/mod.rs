//! Health probes, one file a check type.

//! The protocol against its documents: packets by vectors, the machine as a matrix.

mod ah;
mod instance;
mod packet;
mod reconfigure;

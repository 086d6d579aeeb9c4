//! The dialect on a simulated kernel: what no oracle has, since ipvsadm does not have it.

use super::*;

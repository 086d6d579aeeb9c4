//! The failover core as a whole: rules of one node, and whole clusters on a simulated LAN in virtual time.

mod addresses;
mod commands;
mod crowd;
mod detail;
mod drops;
mod families;
mod groups;
mod heal;
mod lan;
mod links;
mod mails;
mod notices;
mod priority;
mod probes;
mod receive;
mod refusals;
mod reload;
mod restart;
mod resume;
mod routing;
mod scripts;
mod simulation;
mod start;
mod statics;
mod takeover;
mod tracks;

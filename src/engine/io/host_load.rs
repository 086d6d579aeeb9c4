//! How busy this host is, read when somebody asks: sysinfo for processors and memory, `/proc/net/dev` for the interfaces. Rates
//! are of the time since it was read before, whoever asked then.

use crate::engine::snapshot::{HostLoad, InterfaceCounters, InterfaceLoad, InterfaceRates};
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use sysinfo::System;

/// All who ask within this time share an answer: a shorter one says little of a rate.
const AGE: Duration = Duration::from_millis(900);
/// A reading that is older says nothing of now.
const OLD: Duration = Duration::from_mins(1);
/// Most interfaces of an answer: a host of containers has thousands.
const INTERFACES: usize = 256;

/// The reader, with what it read last.
#[derive(Default)]
pub struct HostReader(Mutex<Option<Reading>>);

struct Reading {
    at: Instant,
    system: System,
    load: HostLoad,
}

impl HostReader {
    /// How busy the host is. Errors where the system does not say it.
    pub fn read(&self) -> Result<HostLoad, sysinfo::Error> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let before = last.take().filter(|reading| now.saturating_duration_since(reading.at) < OLD);
        if let Some(reading) = before {
            if now.saturating_duration_since(reading.at) < AGE {
                let load = reading.load.clone();
                *last = Some(reading);
                return Ok(load);
            }
            let over = now.saturating_duration_since(reading.at);
            let mut system = reading.system;
            let load = load(&mut system, Some((&reading.load, over)))?;
            *last = Some(Reading { at: now, system, load: load.clone() });
            return Ok(load);
        }
        let mut system = System::new()?;
        let load = load(&mut system, None)?;
        *last = Some(Reading { at: now, system, load: load.clone() });
        Ok(load)
    }
}

fn load(system: &mut System, before: Option<(&HostLoad, Duration)>) -> Result<HostLoad, sysinfo::Error> {
    system.refresh_cpu_usage();
    system.refresh_memory();
    let averages = System::load_average()?;
    let mut interfaces = interfaces(&fs::read_to_string("/proc/net/dev").unwrap_or_default());
    if let Some((before, over)) = before {
        for interface in &mut interfaces {
            let then = before.interfaces.iter().find(|then| then.name == interface.name);
            interface.rates = then.map(|then| rates(then, interface, over));
        }
    }
    Ok(HostLoad {
        at: SystemTime::now(),
        over_ms: before.map(|(_, over)| u64::try_from(over.as_millis()).unwrap_or(u64::MAX)),
        cpus: u64::try_from(system.cpus().len()).unwrap_or(u64::MAX),
        cpu_percent: before.map(|_| tenths(f64::from(system.global_cpu_usage()))),
        load: [averages.one, averages.five, averages.fifteen],
        memory_bytes: system.total_memory(),
        memory_available_bytes: system.available_memory(),
        swap_bytes: system.total_swap(),
        swap_used_bytes: system.used_swap(),
        uptime_s: System::uptime()?,
        interfaces,
    })
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The table of `/proc/net/dev`: a name, a colon, eight numbers of what was received and eight of what was sent.
fn interfaces(text: &str) -> Vec<InterfaceLoad> {
    let one = |line: &str| {
        let (name, numbers) = line.rsplit_once(':')?;
        let numbers: Vec<u64> = numbers.split_whitespace().map_while(|number| number.parse().ok()).collect();
        let counters = |at: usize| match numbers.get(at..at + 4)? {
            [bytes, packets, errors, dropped] => {
                let (bytes, packets, errors, dropped) = (*bytes, *packets, *errors, *dropped);
                Some(InterfaceCounters { bytes, packets, errors, dropped })
            }
            _ => None,
        };
        Some(InterfaceLoad { name: name.trim().to_owned(), rx: counters(0)?, tx: counters(8)?, rates: None })
    };
    text.lines().filter_map(one).take(INTERFACES).collect()
}

/// A counter that went back (another interface of the same name) gives no rate below zero.
#[allow(clippy::cast_precision_loss)] // three digits of it are shown
fn rates(then: &InterfaceLoad, now: &InterfaceLoad, over: Duration) -> InterfaceRates {
    let seconds = over.as_secs_f64().max(0.001);
    let rate = |then: u64, now: u64| tenths(now.saturating_sub(then) as f64 / seconds);
    InterfaceRates {
        rx_bytes_per_s: rate(then.rx.bytes, now.rx.bytes),
        rx_packets_per_s: rate(then.rx.packets, now.rx.packets),
        tx_bytes_per_s: rate(then.tx.bytes, now.tx.bytes),
        tx_packets_per_s: rate(then.tx.packets, now.tx.packets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // As `cat /proc/net/dev` prints it on Linux 6.1; a name may have a colon in it (an alias).
    const TABLE: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    8000     100    0    0    0     0          0         0     8000     100    0    0    0     0       0          0
eth0:1: 123456789    9876    1    2    0     0          0         0 987654321    6789    3    4    0     0       0          0
";

    #[test]
    fn the_table_of_interfaces_is_read_by_its_columns() {
        let found = interfaces(TABLE);
        assert_eq!(found.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["lo", "eth0:1"]);
        let counters = |bytes, packets, errors, dropped| InterfaceCounters { bytes, packets, errors, dropped };
        let eth = found.get(1).unwrap();
        assert_eq!((eth.rx, eth.tx), (counters(123_456_789, 9_876, 1, 2), counters(987_654_321, 6_789, 3, 4)));
        assert!(interfaces("nothing\nx: 1 2\n").is_empty());
    }

    #[test]
    fn rates_are_over_the_time_between_two_readings_and_never_below_zero() {
        let at = |bytes| InterfaceLoad {
            rx: InterfaceCounters { bytes, ..InterfaceCounters::default() },
            ..InterfaceLoad::default()
        };
        let rate = |then, now| rates(&at(then), &at(now), Duration::from_secs(2)).rx_bytes_per_s;
        assert_eq!((rate(1_000, 2_000), rate(2_000, 1_000)), (500.0, 0.0));
    }

    #[test]
    fn this_host_has_processors_memory_and_a_loopback() {
        let reader = HostReader::default();
        let first = reader.read().unwrap();
        assert!(first.cpus > 0 && first.memory_bytes >= first.memory_available_bytes, "{first:?}");
        assert!(first.interfaces.iter().any(|interface| interface.name == "lo"), "{first:?}");
        assert_eq!((first.over_ms, first.cpu_percent), (None, None), "one reading says nothing of a rate");
        assert_eq!(reader.read().unwrap(), first, "asked again at once, it is the same answer");
    }
}

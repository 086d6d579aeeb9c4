//! `-R --atomic`: all lines are read first and tried on a copy of the table; then the kernel is changed by the difference.
//! Should it refuse one operation, those before are undone.

use super::fault::Fault;
use super::request::Request;
use super::restore::{Line, Lines, PENDING};
use super::session::Session;
use crate::engine::{IpvsOp, IpvsTable, Ownership, Service, ServiceEntry, ipvs_plan};
use std::io::BufRead;

/// All lines or none.
pub fn restore(session: &mut Session<'_>, input: &mut dyn BufRead) -> Result<u8, Fault> {
    let before = table(session.kernel.list()?);
    let mut after = before.clone();
    let mut lines = Lines::new(input);
    while let Some(Line { number, request }) = lines.next()? {
        let nothing = |cause: &dyn std::fmt::Display| format!("line {number}: {cause}; nothing was changed");
        match request {
            Ok(Request::Clear) => after.services.clear(),
            Ok(Request::Change(change)) if change.keep.is_none() => {
                session.warn_of_port(&change);
                after.apply(&change.op).map_err(|refusal| Fault::unreadable(nothing(&refusal)))?;
            }
            Ok(_) => return Err(Fault::wrong(nothing(&"only -A, -E, -D, -a, -e, -d and -C can be undone"))),
            Err(fault) => return Err(Fault { message: nothing(&fault.message), ..fault }),
        }
    }
    match change(session, &before, &after) {
        Ok(()) => Ok(0),
        Err((done, cause)) => {
            let now = table(session.kernel.list()?);
            let back = change(session, &now, &before);
            let undone = match back {
                Ok(()) => format!("the {done} changes before were undone"),
                Err((_, why)) => format!("the {done} changes before could not all be undone: {why}"),
            };
            Err(Fault::unreadable(format!("{cause}; {undone}")))
        }
    }
}

/// Makes `wanted` out of `found`; at a refusal how many changes were done, and the refusal.
fn change(session: &mut Session<'_>, found: &IpvsTable, wanted: &IpvsTable) -> Result<(), (usize, String)> {
    let all = found.services.iter().map(|(key, service)| (*key, service.destinations.keys().copied()));
    let owned: Ownership = all.collect();
    let plan = ipvs_plan(wanted, found, &owned);
    for (at, chunk) in plan.chunks(PENDING).enumerate() {
        let ends = session.kernel.apply_all(chunk);
        session.touched.extend(chunk.iter().map(IpvsOp::service));
        let mut refused = ends.iter().filter_map(|end| end.as_ref().err());
        if let Some(refusal) = refused.next() {
            let done = ends.iter().filter(|end| end.is_ok()).count();
            return Err((at * PENDING + done, refusal.to_string()));
        }
    }
    Ok(())
}

fn table(services: Vec<ServiceEntry>) -> IpvsTable {
    let filled = |entry: ServiceEntry| {
        let destinations = entry.servers.into_iter().map(|server| (server.key, server.destination)).collect();
        (entry.key, Service { destinations, ..entry.service })
    };
    IpvsTable { services: services.into_iter().map(filled).collect() }
}

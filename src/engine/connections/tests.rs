//! Counting lines as the kernel writes them.

use super::talkers::{KEPT, Talkers};
use super::{ConnectionSort, ConnectionsPage, ConnectionsQuery, Prefix, Tally};
use crate::engine::ipvs::Connection;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

fn connection<'a>(
    protocol: &'a str,
    client: &str,
    service: &str,
    server: &str,
    state: &'a str,
    expires: u32,
) -> Connection<'a> {
    let [client, service, server] = [client, service, server].map(|text| text.parse().unwrap());
    Connection { protocol, client, service, server, state, expires, engine: None }
}

fn table() -> Vec<Connection<'static>> {
    let web = "10.0.0.1:80";
    vec![
        connection("TCP", "10.1.0.1:5001", web, "10.0.0.71:80", "ESTABLISHED", 899),
        connection("TCP", "10.1.0.1:5002", web, "10.0.0.71:80", "FIN_WAIT", 12),
        connection("TCP", "10.1.0.2:5003", web, "10.0.0.72:80", "ESTABLISHED", 100),
        connection("TCP", "10.1.0.1:0", web, "10.0.0.71:80", "ASSURED", 50),
        connection("UDP", "10.2.0.1:53000", "10.0.0.1:53", "10.0.0.71:53", "UDP", 290),
        connection("IP", "10.2.0.1:0", "0.0.0.7:0", "10.0.0.71:0", "NONE", 3),
        connection("IP", "[fd00::5]:0", "[0:8::]:0", "[fd00::71]:0", "NONE", 4),
        connection("ESP", "10.2.0.1:500", "10.0.0.1:500", "10.0.0.71:500", "NONE", 5),
    ]
}

fn ask(change: impl FnOnce(&mut ConnectionsQuery)) -> ConnectionsPage {
    let mut query = ConnectionsQuery::default();
    change(&mut query);
    let services = query.service.as_ref().map(|service| vec![service.0.parse().unwrap()]);
    let mut tally = Tally::new(&query, services);
    for connection in table() {
        tally.count(&connection);
    }
    tally.page(SystemTime::UNIX_EPOCH, Duration::from_millis(3), true)
}

#[test]
fn connections_and_templates_are_counted_apart_by_state_service_server_and_client() {
    let page = ask(|_| {});
    assert_eq!((page.total, page.matching, page.templates, page.empty_in_s), (8, 5, 3, Some(899)));
    let first = &page.states[0];
    assert_eq!((first.protocol.as_str(), first.state.as_str(), first.connections), ("tcp", "ESTABLISHED", 2));
    let first = &page.real_servers[0];
    assert_eq!((first.service.as_str(), first.server.as_str()), ("tcp/10.0.0.1:80", "10.0.0.71:80"));
    assert_eq!((first.connections, first.templates, first.empty_in_s), (2, 1, 899));
    let first = &page.services[0];
    assert_eq!((first.service.as_str(), first.connections, first.templates), ("tcp/10.0.0.1:80", 3, 1));
    let services: Vec<_> = page.services.iter().map(|group| group.service.as_str()).collect();
    assert!(
        services.contains(&"fwmark/7") && services.contains(&"fwmark6/8") && services.contains(&"esp/10.0.0.1:500")
    );
    let first = &page.clients[0];
    assert_eq!((first.client.to_string(), first.connections, page.clients_short_by), ("10.1.0.1".to_owned(), 2, 0));
}

#[test]
fn a_filter_says_when_a_drained_server_is_empty() {
    let page = ask(|query| query.server = Some("10.0.0.72".parse().unwrap()));
    assert_eq!((page.total, page.matching, page.empty_in_s), (8, 1, Some(100)));
    let page = ask(|query| query.server = Some("10.0.0.71:53".parse().unwrap()));
    assert_eq!((page.matching, page.rows[0].state.as_str()), (1, "UDP"));
    assert_eq!(ask(|query| query.client = Some("10.2.0.0/16".parse().unwrap())).matching, 2);
    assert_eq!(ask(|query| query.state = Some("fin_wait".into())).matching, 1);
    assert_eq!(
        ask(|query| query.service = Some("fwmark6/8".parse::<crate::engine::model::ServiceKey>().unwrap().into()))
            .templates,
        1
    );
    let nothing = ask(|query| query.state = Some("SYN_RECV".into()));
    assert_eq!((nothing.matching, nothing.empty_in_s, nothing.rows.len()), (0, None, 0));
}

#[test]
fn rows_come_in_the_order_asked_for_window_by_window() {
    let expiries = |sort, offset, limit| {
        let page = ask(|query| (query.sort, query.offset, query.limit) = (sort, offset, limit));
        page.rows.iter().map(|row| row.expires_s).collect::<Vec<_>>()
    };
    assert_eq!(expiries(ConnectionSort::Table, 1, 2), [12, 100]);
    assert_eq!(expiries(ConnectionSort::Expires, 0, 3), [899, 290, 100]);
    assert_eq!(expiries(ConnectionSort::Expires, 6, 9), [4, 3]);
    assert_eq!(expiries(ConnectionSort::Client, 0, 2), [50, 899]);
    assert_eq!(expiries(ConnectionSort::Client, 0, 0), [0; 0]);
}

#[test]
fn a_long_table_leaves_the_first_rows_of_its_order_and_no_more() {
    let (limit, sort) = (5, ConnectionSort::Expires);
    let mut tally = Tally::new(&ConnectionsQuery { sort, limit, ..ConnectionsQuery::default() }, None);
    for n in 0..20_000_u32 {
        let expires = n.wrapping_mul(7_919) % 20_000; // each number once, in no order
        tally.count(&connection("TCP", "10.1.0.1:1", "10.0.0.1:80", "10.0.0.71:80", "ESTABLISHED", expires));
    }
    let page = tally.page(SystemTime::UNIX_EPOCH, Duration::ZERO, false);
    assert_eq!(page.rows.iter().map(|row| row.expires_s).collect::<Vec<_>>(), [19_999, 19_998, 19_997, 19_996, 19_995]);
    assert_eq!((page.total, page.complete), (20_000, false));
}

#[test]
fn the_largest_client_is_found_among_more_than_are_kept_and_its_number_is_short_by_no_more_than_said() {
    let mut talkers = Talkers::default();
    let small = u32::try_from(3 * KEPT).unwrap();
    let large = IpAddr::from([192, 0, 2, 1]);
    for n in 0..small {
        talkers.count(IpAddr::from((0x0a00_0000 + n).to_be_bytes()));
        if n % 100 == 0 {
            talkers.count(large);
        }
    }
    let (first, count) = talkers.top(1)[0];
    let true_count = u64::from(small.div_ceil(100));
    assert_eq!(first, large);
    assert!(count <= true_count && count + talkers.short_by() >= true_count, "{count} of {true_count}");
    assert!(talkers.short_by() > 0 && talkers.short_by() <= 3, "{}", talkers.short_by());
}

#[test]
fn a_prefix_holds_the_addresses_that_begin_like_it() {
    let holds = |prefix: &str, address: &str| prefix.parse::<Prefix>().unwrap().contains(address.parse().unwrap());
    assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1") && holds("0.0.0.0/0", "192.0.2.1"));
    assert!(holds("10.0.0.5", "10.0.0.5") && !holds("10.0.0.5", "10.0.0.4"));
    assert!(holds("fd00::/64", "fd00::1:2") && !holds("fd00::/64", "fd00:0:0:1::1") && holds("::/0", "fd00::1"));
    assert!(!holds("0.0.0.0/0", "fd00::1"));
    for wrong in ["10.0.0.0/33", "fd00::/129", "web", "10.0.0.0/", "/8"] {
        assert!(wrong.parse::<Prefix>().unwrap_err().contains("10.0.0.0/8"), "{wrong}");
    }
    assert_eq!(
        "10.0.0.0/8 fd00::1".split(' ').map(|text| text.parse::<Prefix>().unwrap().to_string()).collect::<Vec<_>>(),
        ["10.0.0.0/8", "fd00::1"]
    );
}

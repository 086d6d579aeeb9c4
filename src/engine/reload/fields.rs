//! What a configuration says of each object, field by field, in the words of the file.
//!
//! Every field is named here: a new one that is forgotten does not compile.

use super::words::{self, span, word};
use crate::engine::model::{
    AddressOptions, AnnouncementPace, Authentication, EdgeCommands, FifoWords, Fifos, Global, GratuitousArp,
    LvsTimeouts, MailSettings, MailWords, Notifications, NotifyCommand, NotifyFifo, PaceGroup, RealServer, RealTime,
    ScriptUser, Settings, StaticAddress, Statics, SyncDaemonWords, SyncGroup, Track, TrackedFile, TrackedProcess,
    Transport, UnicastPeer, Variations, VirtualAddress, VirtualLink, VirtualRouter, VirtualServer, VrrpScript,
    WebhookSettings, scheduler_flag_names,
};
use std::fmt::Display;
use std::path::PathBuf;

/// A word of the file and its value; none where the word is absent.
pub(super) type Field = (&'static str, String);

pub(super) fn router(router: &VirtualRouter) -> Vec<Field> {
    let VirtualRouter {
        name: _,
        interface,
        vrid,
        family,
        version,
        start_state,
        priority,
        advert_interval,
        preempt,
        preempt_delay,
        authentication,
        addresses,
        links,
        advertises_from,
        routing,
        garp,
        tracks,
        tracks_interface,
        transport,
        source,
        variations,
        notifications,
    } = router;
    let track = tracks.iter().map(|Track { kind, name, weight, reverse: is_reverse }| {
        format!("{} {name} weight {weight}{}", kind.name(), reverse(*is_reverse))
    });
    let mut fields = vec![
        ("interface", interface.clone()),
        ("virtual_router_id", vrid.to_string()),
        ("family", words::family(*family).to_owned()),
        ("version", version.number().to_string()),
        ("state", words::state(*start_state).to_owned()),
        ("priority", priority.to_string()),
        ("advert_int", span(advert_interval.duration())),
        ("preempt", preempt.to_string()),
        ("preempt_delay", span(*preempt_delay)),
        ("authentication", masked(authentication).to_owned()),
        (
            "virtual_ipaddress",
            list(addresses.iter().map(|a| {
                let dev = a.interface.as_ref().map_or_else(String::new, |name| format!(" dev {name}"));
                let label = a.label.as_ref().map_or_else(String::new, |label| format!(" label {label}"));
                format!("{a}{dev}{label}{}", further(a))
            })),
        ),
        (
            "use_vmac",
            list(links.iter().map(|VirtualLink { name, base, mac, family: _ }| format!("{name} {mac} on {base}"))),
        ),
        ("vmac_xmit_base", (!links.is_empty() && advertises_from.is_none()).to_string()),
        ("virtual_routes", words::routes(routing)),
        ("virtual_rules", words::rules(routing)),
        ("track", list(track)),
        ("dont_track_primary", (!tracks_interface).to_string()),
        ("unicast_peer", peers(transport)),
        ("unicast_src_ip", source.map_or_else(String::new, |source| source.to_string())),
        ("words", varied(*variations)),
        ("notify", notified(notifications)),
    ];
    fields.extend(announcements(garp));
    fields
}

pub(super) fn statics(Statics { addresses, routing }: &Statics) -> Vec<Field> {
    let address = |StaticAddress { address, needed_by }: &StaticAddress| {
        let dev = address.interface.as_ref().map_or_else(String::new, |name| format!(" dev {name}"));
        let needed =
            if needed_by.is_empty() { String::new() } else { format!(" track_group of {}", needed_by.join(" ")) };
        format!("{address}{dev}{}{needed}", further(address))
    };
    vec![
        ("static_ipaddress", list(addresses.iter().map(address))),
        ("static_routes", words::routes(routing)),
        ("static_rules", words::rules(routing)),
    ]
}

fn further(VirtualAddress { advertised, options, .. }: &VirtualAddress) -> String {
    let AddressOptions {
        scope,
        broadcast,
        peer,
        home,
        skips_detection,
        manages_temporary,
        no_prefix_route,
        joins_group,
        preferred,
        watched,
        on_virtual_link,
    } = options;
    let word = |on: bool, word: &str| on.then(|| format!(" {word}"));
    let words = [
        (*scope != 0).then(|| format!(" scope {scope}")),
        broadcast.map(|broadcast| format!(" brd {broadcast}")),
        peer.map(|peer| format!(" peer {peer}")),
        word(*home, "home"),
        word(!skips_detection, "-nodad"),
        word(*manages_temporary, "mngtmpaddr"),
        word(*no_prefix_route, "noprefixroute"),
        word(*joins_group, "autojoin"),
        preferred.map(words::preferred),
        word(!watched, "no_track"),
        word(*on_virtual_link, "use_vmac"),
        word(!advertised, "(excluded)"),
    ];
    words.into_iter().flatten().collect()
}

fn announcements(garp: &GratuitousArp) -> [Field; 6] {
    let GratuitousArp { repeat, delay, refresh, refresh_repeat, lower_priority_repeat, lower_priority_delay } = garp;
    [
        ("garp_master_repeat", repeat.to_string()),
        ("garp_master_delay", span(*delay)),
        ("garp_master_refresh", span(*refresh)),
        ("garp_master_refresh_repeat", refresh_repeat.to_string()),
        ("garp_lower_prio_repeat", lower_priority_repeat.map_or_else(String::new, |repeat| repeat.to_string())),
        ("garp_lower_prio_delay", lower_priority_delay.map_or_else(String::new, span)),
    ]
}

/// The peers, or the group.
fn peers(transport: &Transport) -> String {
    let unicast = match transport {
        Transport::Multicast { group } => return group.to_string(),
        Transport::Unicast(unicast) => unicast,
    };
    let peer = |peer: &UnicastPeer| match peer.ttl {
        Some((low, high)) => format!("{} min_ttl {low} max_ttl {high}", peer.address),
        None => peer.address.to_string(),
    };
    let check = if unicast.check_source { " check_unicast_src" } else { "" };
    format!("{} ttl {}{check}", list(unicast.peers.iter().map(peer)), unicast.ttl)
}

fn varied(variations: Variations) -> String {
    let Variations {
        down_timer_adverts,
        higher_prio_send_advert,
        lower_prio_no_advert,
        skip_check_adv_addr,
        checksum_as_v2,
        accepts,
        // These are told as settings.
        swift_handover: _,
        routers: _,
        yields_to_refused: _,
        steps_down_without_address: _,
    } = variations;
    let word = |word: &str, on: bool| on.then(|| word.to_owned());
    let words = [
        (down_timer_adverts != 3).then(|| format!("down_timer_adverts {down_timer_adverts}")),
        word("higher_prio_send_advert", higher_prio_send_advert),
        word("lower_prio_no_advert", lower_prio_no_advert),
        word("skip_check_adv_addr", skip_check_adv_addr),
        word("v3_checksum_as_v2", checksum_as_v2),
        word("no_accept", !accepts),
    ];
    list(words.into_iter().flatten())
}

pub(super) fn group(SyncGroup { name: _, members, notifications }: &SyncGroup) -> Vec<Field> {
    vec![("group", members.join(" ")), ("notify", notified(notifications))]
}

fn notified(notifications: &Notifications) -> String {
    let Notifications {
        any,
        master,
        backup,
        fault,
        stop,
        tells_deleted,
        deleted,
        master_rx_lower_pri,
        priority_changes,
        mails,
        quiet_faults,
    } = notifications;
    let script = |word: &str, script: &Option<NotifyCommand>| script.as_ref().map(|s| format!("{word} {}", command(s)));
    let words = [
        script("notify_master", master),
        script("notify_backup", backup),
        script("notify_fault", fault),
        script("notify_stop", stop),
        script("notify_deleted", deleted).or_else(|| tells_deleted.then(|| "notify_deleted".to_owned())),
        script("notify_master_rx_lower_pri", master_rx_lower_pri),
        script("notify", any),
        priority_changes.then(|| "notify_priority_changes".to_owned()),
        mails.then(|| if *quiet_faults { "smtp_alert but for FAULT" } else { "smtp_alert" }.to_owned()),
    ];
    list(words.into_iter().flatten())
}

fn edges(EdgeCommands { up, down }: &EdgeCommands) -> String {
    let script = |word: &str, script: &Option<NotifyCommand>| script.as_ref().map(|s| format!("{word} {}", command(s)));
    list([script("up", up), script("down", down)].into_iter().flatten())
}

fn command(NotifyCommand { command, user }: &NotifyCommand) -> String {
    let user = user.as_ref().map_or_else(String::new, |user| format!(" as {}", who(user)));
    format!("{}{user}", command.join(" "))
}

fn fifo(FifoWords { fifo, script }: &FifoWords) -> String {
    let path = fifo.as_ref().map(|NotifyFifo { path, owner }| {
        format!("{path}{}", owner.as_ref().map_or_else(String::new, |owner| format!(" of {}", who(owner))))
    });
    list(path.into_iter().chain(script.as_ref().map(command)))
}

pub(super) fn script(script: &VrrpScript) -> Vec<Field> {
    let VrrpScript { name: _, command, interval, timeout, weight, reverse: is_reverse, rise, fall, init_fail, user } =
        script;
    vec![
        ("script", command.join(" ")),
        ("interval", span(*interval)),
        ("timeout", timeout.map_or_else(String::new, span)),
        ("weight", format!("{weight}{}", reverse(*is_reverse))),
        ("init_fail", init_fail.to_string()),
        ("user", user.as_ref().map_or_else(String::new, who)),
        ("rise", rise.to_string()),
        ("fall", fall.to_string()),
    ]
}

pub(super) fn process(process: &TrackedProcess) -> Vec<Field> {
    let TrackedProcess {
        name: _,
        command,
        parameters,
        parameter_match,
        full_command,
        weight,
        reverse: is_reverse,
        quorum,
        quorum_max,
        fork_delay,
        terminate_delay,
    } = process;
    vec![
        ("process", format!("{command} {}", parameters.join(" "))),
        ("param_match", parameter_match.map_or_else(String::new, |how| words::parameter_match(how).to_owned())),
        ("full_command", full_command.to_string()),
        ("weight", format!("{weight}{}", reverse(*is_reverse))),
        ("quorum", quorum.to_string()),
        ("quorum_max", quorum_max.map_or_else(String::new, |most| most.to_string())),
        ("fork_delay", span(*fork_delay)),
        ("terminate_delay", span(*terminate_delay)),
    ]
}

pub(super) fn file(TrackedFile { name: _, path, weight, reverse: is_reverse, start }: &TrackedFile) -> Vec<Field> {
    let start =
        start.map_or_else(String::new, |(value, over)| format!("{value}{}", if over { " overwrite" } else { "" }));
    vec![("file", path.clone()), ("weight", format!("{weight}{}", reverse(*is_reverse))), ("init_file", start)]
}

/// Without its real servers.
pub(super) fn service(service: &VirtualServer) -> Vec<Field> {
    let VirtualServer {
        key: _,
        name,
        group: _,
        scheduler,
        scheduler_flags,
        forwarding,
        tunnel,
        persistence,
        odd_mask,
        one_packet,
        quorum,
        sorry_server,
        omega,
        ha_suspend,
        notify,
        mails,
        real_servers: _,
    } = service;
    vec![
        ("name", name.clone().unwrap_or_default()),
        ("lb_algo", scheduler.to_string()),
        ("scheduler flags", scheduler_flag_names(*scheduler_flags, scheduler.name())),
        ("lb_kind", words::method(*forwarding, *tunnel)),
        (
            "persistence_timeout",
            persistence.map_or_else(String::new, |p| {
                odd_mask.map_or_else(
                    || format!("{} s, /{}", p.timeout, p.prefix),
                    |mask| format!("{} s, {mask}", p.timeout),
                )
            }),
        ),
        ("ops", one_packet.to_string()),
        ("quorum", format!("{} hysteresis {}", quorum.need, quorum.hysteresis)),
        (
            "sorry_server",
            sorry_server.as_ref().map_or_else(String::new, |sorry| {
                let own =
                    sorry.forwarding.map_or_else(String::new, |own| format!(" {}", words::method(own, sorry.tunnel)));
                format!("{}{own}{}", sorry.key, if sorry.inhibit { " inhibit" } else { "" })
            }),
        ),
        ("ha_suspend", ha_suspend.to_string()),
        ("omega", omega.to_string()),
        ("quorum_up and quorum_down", notify.as_deref().map_or_else(String::new, edges)),
        ("smtp_alert", mails.to_string()),
    ]
}

pub(super) fn server(server: &RealServer) -> Vec<Field> {
    let RealServer {
        key: _,
        weight,
        forwarding,
        tunnel,
        inhibit_on_failure,
        upper_threshold,
        lower_threshold,
        checks,
        unchecked,
        notify,
        mails,
    } = server;
    vec![
        ("weight", weight.to_string()),
        ("lvs_method", words::method(*forwarding, *tunnel)),
        ("inhibit_on_failure", inhibit_on_failure.to_string()),
        ("uthreshold", upper_threshold.to_string()),
        ("lthreshold", lower_threshold.to_string()),
        ("checks", if *unchecked { "not run".to_owned() } else { list(checks.iter().map(|spec| words::check(spec))) }),
        ("notify_up and notify_down", notify.as_deref().map_or_else(String::new, edges)),
        ("smtp_alert", mails.to_string()),
    ]
}

/// lvsdeck.toml.
pub(super) fn settings(settings: &Settings) -> Vec<Field> {
    let Settings {
        drift,
        look_interval,
        tls_verify,
        depool_threshold,
        slow_start,
        split_brain,
        address_removed,
        swift_handover,
        routers,
        mail,
        webhook,
    } = settings;
    let WebhookSettings { url, events, severity, timeout, tries, tls_verify: webhook_verify } = webhook;
    let MailSettings { user, password_file, tls_verify: mail_verify } = mail;
    let file = |file: &Option<PathBuf>| file.as_ref().map_or_else(String::new, |file| file.display().to_string());
    vec![
        ("ipvs.drift", drift.to_string()),
        ("ipvs.look_interval", span(*look_interval)),
        ("checks.tls_verify", tls_verify.as_ref().map_or_else(|| "none".to_owned(), |file| file.display().to_string())),
        ("servers.depool_threshold", format!("{depool_threshold} %")),
        ("servers.slow_start", span(*slow_start)),
        ("vrrp.split_brain", split_brain.name().to_owned()),
        ("vrrp.address_removed", address_removed.name().to_owned()),
        ("vrrp.swift_handover", swift_handover.to_string()),
        ("vrrp.routers", routers.to_string()),
        ("mail.user", user.clone().unwrap_or_default()),
        ("mail.password_file", file(password_file)),
        ("mail.tls_verify", file(mail_verify)),
        ("webhook.url", url.as_ref().map_or_else(String::new, |_| "***".to_owned())),
        ("webhook.events", events.join(", ")),
        ("webhook.severity", (*severity).to_owned()),
        ("webhook.timeout", span(*timeout)),
        ("webhook.tries", tries.to_string()),
        ("webhook.tls_verify", file(webhook_verify)),
    ]
}

pub(super) fn global(global: &Global) -> Vec<Field> {
    let Global {
        router_id,
        mail: MailWords { recipients, from, server, port, helo, timeout, servers_only },
        skip_check_adv_addr,
        script_user,
        script_security,
        failover_thread,
        balance_thread,
        lvs,
        fifos: Fifos { all, vrrp, lvs: lvs_fifo, states_on_reload },
        tells_first_servers,
        pace: AnnouncementPace { garp, gna, groups },
        startup_delay,
    } = global;
    vec![
        ("router_id", router_id.clone().unwrap_or_default()),
        ("notification_email", recipients.join(" ")),
        ("notification_email_from", from.clone().unwrap_or_default()),
        ("smtp_server", format!("{server} {port}")),
        ("smtp_helo_name", helo.clone().unwrap_or_default()),
        ("smtp_connect_timeout", span(*timeout)),
        ("no_checker_emails", servers_only.to_string()),
        ("vrrp_skip_check_adv_addr", skip_check_adv_addr.to_string()),
        ("script_user", script_user.as_ref().map_or_else(String::new, who)),
        ("enable_script_security", script_security.to_string()),
        ("vrrp_* (from the next start on)", scheduling(failover_thread)),
        ("checker_* (from the next start on)", scheduling(balance_thread)),
        ("lvs_sync_daemon", lvs.sync_daemon.as_ref().map_or_else(String::new, sync_daemon)),
        ("lvs_timeouts", timeouts(lvs.timeouts)),
        ("lvs_flush (from the next start on)", lvs.flush.to_string()),
        ("lvs_flush_on_stop", lvs.flush_on_stop.to_string()),
        ("vrrp_garp_interval", span(*garp)),
        ("vrrp_gna_interval", span(*gna)),
        ("garp_group", list(groups.iter().map(paced))),
        ("vrrp_startup_delay (from the next start on)", span(*startup_delay)),
        ("notify_fifo", fifo(all)),
        ("vrrp_notify_fifo", fifo(vrrp)),
        ("lvs_notify_fifo", fifo(lvs_fifo)),
        ("rs_init_notifies (from the next start on)", tells_first_servers.to_string()),
        ("fifo_write_vrrp_states_on_reload", states_on_reload.to_string()),
    ]
}

fn paced(PaceGroup { garp, gna, interfaces }: &PaceGroup) -> String {
    [interfaces.join(" "), word("garp_interval", garp.map(span)), word("gna_interval", gna.map(span))].concat()
}

fn sync_daemon(words: &SyncDaemonWords) -> String {
    let SyncDaemonWords { interface, instance, id, max_length, port, ttl, group } = words;
    let option = |word: &str, value: Option<String>| value.map_or_else(String::new, |value| format!(" {word} {value}"));
    let number = |word: &str, value: u16| option(word, (value > 0).then(|| value.to_string()));
    [
        interface.clone(),
        option("inst", instance.clone()),
        option("id", id.map(|id| id.to_string())),
        number("maxlen", *max_length),
        number("port", *port),
        number("ttl", (*ttl).into()),
        option("group", group.map(|group| group.to_string())),
    ]
    .concat()
}

fn timeouts(LvsTimeouts { tcp, tcp_fin, udp }: LvsTimeouts) -> String {
    let given = [("tcp", tcp), ("tcpfin", tcp_fin), ("udp", udp)].into_iter().filter(|(_, seconds)| *seconds > 0);
    given.map(|(word, seconds)| format!("{word} {seconds}")).collect::<Vec<_>>().join(" ")
}

fn scheduling(RealTime { nice, priority, processors, time_limit, no_swap }: &RealTime) -> String {
    let number = |word: &str, value: Option<String>| value.map(|value| format!("{word} {value}"));
    let words = [
        number("priority", nice.map(|nice| nice.to_string())),
        number("rt_priority", priority.map(|priority| priority.to_string())),
        (!processors.is_empty()).then(|| format!("cpu_affinity {}", list(processors.iter()))),
        number("rlimit_rttime", time_limit.map(span)),
        no_swap.then(|| "no_swap".to_owned()),
    ];
    list(words.into_iter().flatten())
}

const fn reverse(is_reverse: bool) -> &'static str {
    if is_reverse { " reverse" } else { "" }
}

pub(super) fn who(ScriptUser { user, group }: &ScriptUser) -> String {
    group.as_ref().map_or_else(|| user.clone(), |group| format!("{user} {group}"))
}

/// The kind of authentication alone: a secret is never shown.
const fn masked(authentication: &Authentication) -> &'static str {
    match authentication {
        Authentication::None => "",
        Authentication::Pass(_) => "PASS ***",
        Authentication::Ah(_) => "AH ***",
    }
}

pub(super) fn list(items: impl Iterator<Item = impl Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

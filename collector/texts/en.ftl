# Screen texts, English. $n chooses singular and plural, $shown is the number as written.
title-front = Overview
skip = Skip to content
language = Language
made = As it was
summary = Summary
back = ← To the overview
unknown = unknown
none-yet = none yet
ago = { $span } ago
exercise = EXERCISE
of-total = { $count } of { $total }
of-hundred = { $n } of 100
more = and { $shown } more
cut = Showing { $shown } of { $total }, latest sighting first.
id-outside = Reference in other systems:
footer-times = Times are Norwegian; hold the pointer over one for UTC.
footer-ungraded = Unclassified. Classified information must not be entered here.
footer-map = Tile map:
span-seconds = { $shown } s
span-minutes = { $shown } min
span-hours = { $n ->
    [1] 1 hour
   *[other] { $shown } hours
}
span-days = { $n ->
    [1] 1 day
   *[other] { $shown } days
}
# Around every page
nav = Main menu
nav-overview = Overview
nav-alerts = Alerts
nav-incidents = Incidents
nav-campaigns = Campaigns
nav-indicators = Indicators
nav-advisories = Advisories
nav-members = Members
nav-sensors = Sensors
nav-audit = Audit
nav-account = Account
crumbs = You are here
view = View
scheme = Colours
scheme-auto = As on this machine
scheme-light = Light
scheme-dark = Dark
week = week { $n }
statement = Accessibility statement
statement-none = Accessibility statement: its address is not set. Set it like this in collector.toml:
keys-title = Keyboard shortcuts
keys-switch = Use single-key shortcuts
keys-words = This browser remembers the choice. With shortcuts switched off, this list is found under “View”.
keys-close = Close
col-key = Key
col-does = Does
key-next = Next and previous row
key-open = Open the row
key-select = Select the row; with Shift all from the last one selected
key-search = Go to the search
key-go = Go to { $part }
key-live = Pause live updates, or resume them
key-help = Show this list
key-close = Close, or leave the row
key-then = then
# Live updates
live-on = Updated live
live-off = Lost the connection to the collector. Trying again …
live-paused = Paused
live-pause = Pause
live-resume = Resume
live-show = Show
live-one = 1 new change
live-many = { $shown } new changes
live-updated = The page was updated:
live-new-one = 1 new
live-new-many = { $shown } new
live-moved = Something has changed its order
live-poll = Updated every half minute
# The summary
figure-campaigns = Possible campaigns
figure-campaigns-of = { $n ->
    [0] no incidents yet
    [1] of 1 incident
   *[other] of { $shown } incidents
}
figure-campaigns-of-closed = no open incidents
figure-closed = { $n ->
    [1] 1 closed campaign
   *[other] { $shown } closed campaigns
}
figure-exercises = { $n ->
    [1] besides 1 in an exercise
   *[other] besides { $shown } in exercises
}
figure-hit = Members in campaigns
figure-hit-of = { $n ->
    [0] no members yet
    [1] of 1 member
   *[other] of { $shown } members
}
figure-seeing = Able to see now
figure-sensors = Sensors connected
figure-sensors-of = { $n ->
    [0] no sensors yet
    [1] of 1 sensor
   *[other] of { $shown } sensors
}
figure-list = Newest list
figure-list-indicators = { $n ->
    [1] 1 indicator
   *[other] { $shown } indicators
}
figure-list-of = { $indicators }; in force at { $holding } of { $sensors } sensors
# Campaigns
campaigns = Possible campaigns
campaign-possible = Possible campaign
campaign-confirmed = Campaign
campaign-none = no campaign
reach = { $hit } of { $able } members that could see it were hit. { $blind } of { $total } could not see it.
reach-all = { $hit } of { $able } members were hit. All { $total } could see it.
reach-reported = { $hit } members, { $reported } of them reported by people. { $seen } of { $able } that could see it have hits; { $blind } of { $total } could not see it.
reach-reported-blind = { $hit } members, { $reported } of them reported by people; no sensor could see it.
reach-reported-unseen = { $hit } members, { $reported } of them reported by people. Sensors at { $able } of { $total } could see it, and none of them has.
reach-own = You were hit.
reach-own-others = You were hit, and at least { $shown } other members.
behind-supplier = behind { $supplier }
counted-shared = { $hit } members are { $independent } independent ones: those behind one shared network count once, because one hit there may be seen by all of them.
counted-departed = { $n ->
    [one] One member that was hit has left since; of it nothing but this number is kept.
   *[other] { $shown } members that were hit have left since; of them nothing but this number is kept.
}
blind-why = Why some cannot see:
blind-no-sensor = { $n ->
    [1] 1 member has no sensor
   *[other] { $shown } members have no sensor
}
blind-not-enrolled = { $n ->
    [1] at 1 member the sensor was not enrolled
   *[other] at { $shown } members the sensor was not enrolled
}
blind-revoked = { $n ->
    [1] at 1 member the sensor is revoked
   *[other] at { $shown } members the sensor is revoked
}
blind-silent = { $n ->
    [1] at 1 member the sensor is silent
   *[other] at { $shown } members the sensor is silent
}
blind-old-list = { $n ->
    [1] at 1 member the sensor has not received the list
   *[other] at { $shown } members the sensor has not received the list
}
blind-no-indicator = { $n ->
    [1] at 1 member the sensor has no indicator to see it by
   *[other] at { $shown } members the sensor has no indicator to see it by
}
blind-unseen = { $n ->
    [1] at 1 member the sensor did not see what people have reported
   *[other] at { $shown } members the sensor did not see what people have reported
}
blind-no-traffic = { $n ->
    [1] at 1 member no traffic reaches the sensor
   *[other] at { $shown } members no traffic reaches the sensor
}
scope = Extent
hosts = { $n ->
    [1] 1 host
   *[other] { $shown } hosts
}
hosts-none = no host pointed out
hosts-about = { $n ->
    [1] about 1 host
   *[other] about { $shown } hosts
}
hosts-together = { $n ->
    [1] many hosts (about 1)
   *[other] many hosts (about { $shown })
}
sightings = { $n ->
    [1] 1 sighting
   *[other] { $shown } sightings
}
indicators = Indicators
indicator-confidential = confidential indicator { $id }
members-in-order = Members in the order they were hit
concluded = Seen as a campaign
kind-domain = domain
kind-host = host name
kind-ipv4 = IPv4 address
kind-ipv6 = IPv6 address
kind-network = network
# How far it got
evidence-unknown = not known
evidence-blocked = blocked
evidence-looked-up = looked up
evidence-answered = answered
evidence-attempted = attempted
evidence-contacted = contacted
evidence-data-out = data out
evidence-step = step { $step } of 6
severity-info = Info
severity-low = Low
severity-medium = Medium
severity-high = High
severity-critical = Critical
# Nothing there
next-step = Next step:
nothing-no-members = No campaigns, for there are no members yet.
nothing-found = No campaigns. Hits at 0 of { $able } members that can see now ({ $total } in all).
nothing-shared = No campaigns. { $incidents } incidents, with hits at { $hit } of { $total } members ({ $able } can see now), but none is shared by two independent members.
next-member = add the first member with its number and name.
next-token = make a token for the first member's sensor; it is good for 72 hours.
next-import = import a list of indicators.
next-publish = { $n ->
    [1] 1 indicator is imported but not published to all; publish a list.
   *[other] { $shown } indicators are imported but not published to all; publish a list.
}
next-enroll = enrol a sensor at a member with the token it was given.
next-wait = none. All can see, and the page tells when something comes.
next-sensors = help those that cannot see; the sensors stand further down.
# Incidents
incidents = Incidents
incidents-none = No incidents. An incident is alerts at one member that share an indicator or a threat.
alerts = Alerts
alert-open = ongoing
col-incident = Incident
col-member = Member
col-severity = Severity
col-severity-listed = Severity by the list
col-evidence = How far it got
col-first = First seen
col-last = Last seen
col-first-last = First and last seen
col-hosts = Hosts
col-sightings = Sightings
col-campaign = Campaign
col-host = Host
col-indicator = Indicator
col-server = Server
col-why = Why
col-order = No.
col-kind = Kind
col-threat = Threat
col-source = Source
col-confidence = Confidence
col-number = Number
# Sensors
sensors = Sensors
sensors-none = No sensors. Make a token with “varde-collector sensor token NUMBER” and give it to the member.
col-sensor = Sensor
col-state = State
col-list = List in force
col-packets = Packets
col-dns = DNS messages
col-flows = Flows
col-losses = Dropped / refused
col-last-packet = Last packet
col-spool = Waiting / lost
col-version = Version
col-memory = Memory
sensor-connected = connected
sensor-deaf = connected, but deaf: no packet since
sensor-deaf-always = connected, but deaf: no packet ever
sensor-dropping = loses too much: { $dropped } of the last { $total } frames
sensor-connected-tcp = connected over TCP (UDP is blocked)
sensor-stalled = connected, but no heartbeat since
sensor-silent = silent since
sensor-never-came = enrolled, but never heard from since
sensor-token-waits = waits to be enrolled; token good until
sensor-token-expired = never enrolled; token expired
sensor-waits-approval = waits for approval; its words are: { $words }
sensor-revoked = revoked
sensor-quarantined = in quarantine: two machines use its identity, since
sensor-shared = shared sensor
sensor-losses = { $dropped } dropped, { $refused } refused
sensor-losses-least = at least { $dropped } dropped, { $refused } refused
sensor-losses-unknown = dropped not known, { $refused } refused
sensor-spool = { $waiting } waiting, { $lost } lost
list-none-published = no list is published
list-none = none; newest is { $newest }
list-behind = { $held }; newest is { $newest }
list-unpublished = { $held }: never published here
list-newest = { $held } (newest)
list-channel = { $list }, channel { $channel }
list-age = published { $span } ago
list-reach = List { $revision } is in force at { $inforce } of { $sensors } sensors. From publication until it was: half { $half }, 95 % { $most }, all { $all }.
list-reach-after = after { $span }
list-reach-not-yet = not yet
# Trust
col-root = Root document
col-brake = Brake
trust-online = The list key is on this collector: whoever takes over the machine can publish lists.
trust-duty = Duty key: the list key is not here. A list is in force only when an analyst has signed it on a machine of their own.
trust-waits = List { $revision } waits for a signature: { $count } indicators, { $added } new, { $removed } would go. No sensor has it yet.
trust-since = Since
trust-waits-next = How it comes into force:
rollout-pilot = List { $list } is at the pilot group ({ $added } new indicators), and goes to all when its time there is over.
rollout-sent = List { $list } goes to the pilot group first ({ $added } new indicators); no sensor there has it yet.
rollout-silent = List { $list } WAITS: no sensor of the pilot group that has it in force is connected, so nobody can say what it hits. Look at the group, or publish again.
rollout-all = List { $list } has gone to all after the pilot group, and is watched.
rollout-stopped = LIST { $list } STOPPED BY ITSELF: indicator { $indicator } hit too much. It is counted only, and taken out of every list. The rest waits for somebody to look. The collector says:
rollout-urgent = URGENT: list { $list } went to everybody at once. Reason:
trust-root-ends = Root document { $version } runs out
trust-root-ended = ROOT DOCUMENT { $version } HAS RUN OUT. Sensors work as before, but the next one should not wait. It ran out
trust-root-next = Make the next one:
trust-root-newest = { $held } (newest)
trust-root-held = { $held }
trust-root-behind = { $held }; newest is { $newest }
trust-root-ahead = { $held }, newer than the collector's { $newest }: the collector was restored from an older copy. Accept the newer root document again.
trust-root-refused = The sensor refused a root document, and the one before stays in force. It says:
trust-stale = The sensor has not heard for a day which list is the newest. Somebody may hold lists back, or the timestamp key (keys/timestamp.key) is missing.
trust-behind = The sensor has heard of a newer list than it gets. Somebody may hold it back.
trust-newest-refused = The sensor did not believe which list was named as the newest. It says:
brake-holds = Brake: indicator { $id } makes no alerts, its matches are counted only. It ends by itself
brake-holds-exercise = Brake (exercise): indicator { $id } makes no alerts, its matches are counted only. It ends by itself
brake-over = The brake on indicator { $id } is over. It ended
brake-counted = Counted: { $matches } matches at about { $hosts } hosts, by { $by } of { $total } sensors; { $sensors } of { $total } have taken the order.
brake-refused = Sensor { $sensor } refused an order. It says:
brake-reach = Brake order { $order } is followed by { $followed } of { $sensors } sensors. From the order until it was: half { $half }, 95 % { $most }, all { $all }.
brake-reach-ends = Order { $order }, which releases the brake, is followed by { $followed } of { $sensors } sensors. From the order until it was: half { $half }, 95 % { $most }, all { $all }.
sensor-brake-holds = Brakes by order { $order } since
sensor-brake-nothing = Brakes nothing by order { $order } since
sensor-brake-not-yet = Goes by order { $order }, not yet by { $newest }
sensor-brake-not-yet-any = Has not taken order { $newest } yet and brakes nothing
sensor-brake-refuses = Refused order { $newest } and goes by { $order } (0 = none). Refused
sensor-brake-unable = Knows no brake and tells as before; update varde-agent there
list-refused = Refused:
# A sensor
health-heard = Last heartbeat
col-oldest = Oldest that waits
oldest-none = none waits
col-replayed = Came again
replayed-none = nothing
replayed-of = { $replayed } records; none was stored twice
col-clock = Clock
col-certificate = Certificate good until
col-self-test = Last test of itself
self-test-none = None has come the whole way yet
clock-right = less than a second from ours
clock-ahead = { $span } ahead of ours
clock-behind = { $span } behind ours
uplink-quarantined = Two machines use this sensor's identity. Neither is heard until you have found out which is the copy, stopped it, and released the sensor with “varde-collector sensor release NUMBER”. What both have found is kept by them.
uplink-set-back = An older state of this sensor came: its disk was restored, or a copy of it runs. It was told to begin a new spool, and nothing is counted twice. Last time:
uplink-not-renewed = The certificate should have been renewed and was not. The sensor has not asked: it is not connected, or its program is of an older version and must be updated. Once the certificate has run out, it does not get in.
uplink-not-renewed-refused = The certificate should have been renewed and was not. The last answer was: { $why }. Once the certificate has run out, the sensor does not get in.
# Operational incidents: what keeps a sensor from seeing or from being heard
silence-title = Operational incidents
silence-words = What keeps sensors from seeing or from being heard. They are no security incidents. Kept for 13 months; the newest are shown.
silence-none = No operational incidents have been found.
silence-stands = it stands
silence-unheard = Nothing is heard from the sensor. See that the machine is on, that it reaches the collector, and that the service varde-agent runs.
silence-stalled = A session stands, and the sensor says nothing. Look at the machine and at the line.
silence-deaf-ever = No packets have ever reached the sensor. Look at the mirror, the cable, and which interface agent.toml names.
silence-deaf = No packets reach the sensor any more; { $packets } were read before that. Look at the mirror and the cable.
silence-dropping = Too much is lost before it is read: at the worst { $dropped } of { $total } frames in two minutes. Look at the load of the machine, or share the traffic among several sensors.
silence-no-list = No list is in force at the sensor; the newest is { $newest }. The sensor's events say whether it has refused it.
silence-old-list = List { $held } is in force at the sensor; the newest is { $newest }. The sensor's events say whether it has refused it.
silence-list-over = List { $held } is the newest, and its time is over. The sensor uses it still; publish again.
silence-clock-ahead = The sensor's clock is { $span } ahead of the collector's, at most. Look at the time synchronisation (NTP) of both.
silence-clock-behind = The sensor's clock is { $span } behind the collector's, at most. Look at the time synchronisation (NTP) of both.
silence-one-client = All { $alerts } matches of 30 days, by { $indicators } indicators, are of one machine. Either it is a resolver or proxy that the sensor does not know, and then it sees none of the machines behind it; or it really is one machine.
silence-one-resolver = All { $alerts } matches of 30 days are a resolver's own questions: the sensor does not see the machines that asked. Mirror the traffic between them and the resolver.
silence-one-way-out = The mirror port gives one direction alone, what goes out: of { $alone } of { $total } connections only the machine inside was heard. Set the mirror to both directions (rx and tx), or mirror the other line too.
silence-one-way-in = The mirror port gives one direction alone, what comes in: of { $alone } of { $total } connections only the end outside was heard. Set the mirror to both directions (rx and tx), or mirror the other line too.
silence-one-way = The mirror port gives one direction alone: of { $alone } of { $total } connections only one end was heard. Set the mirror to both directions (rx and tx), or mirror the other line too.
silence-one-way-questions = The sensor sees DNS questions and hardly a response: { $alone } of { $total } were without. The mirror port gives one direction alone, or the name servers do not answer. Set the mirror to both directions (rx and tx).
silence-one-way-responses = The sensor sees DNS responses and hardly a question: { $alone } of { $total } were without. The mirror port gives one direction alone. Set the mirror to both directions (rx and tx).
silence-narrowed = The sensor's settings leave out more than before: { $sizes }. The member's IT sees in agent.toml and on the command line what it is; which addresses they are is not sent. If it is right, the response team accepts it with varde-collector silence accept.
silence-altered = The sensor's settings are others than before: interfaces, networks or addresses, { $sizes }. Whether less is seen cannot be told from here. The member's IT sees in agent.toml and on the command line what it is; which addresses they are is not sent. If it is right, the response team accepts it with varde-collector silence accept.
narrowed-sources = interfaces and files that are read: { $before } before, { $after } now
narrowed-shares = the traffic is shared with other processes now
narrowed-inside-v4 = IPv4 addresses that count as inside: { $before } before, { $after } now
narrowed-inside-v6 = IPv6 networks (/64) that count as inside: { $before } before, { $after } now
narrowed-resolvers = addresses that count as resolvers: { $before } before, { $after } now
narrowed-sinkholes = addresses that count as block pages: { $before } before, { $after } now
narrowed-dns-ports = ports on which DNS is read: { $before } before, { $after } now
narrowed-data-out = octets before data is said to go out: { $before } before, { $after } now
narrowed-frequent-hosts = hosts before they are told of together (0 = never): { $before } before, { $after } now
narrowed-others = as many as before, and others
silence-times = { $n ->
    [1] It began once.
   *[other] It began { $shown } times.
}
events-title = What the sensor has told
events-words = What has happened to the sensor, the newest first. Kept for 90 days; what was lost and notes of copies for 13 months.
events-none = The sensor has told nothing in the last 90 days.
events-more = { $n ->
    [1] 1 more; see it with
   *[other] { $shown } more; see them with
}
told-lost-title = Told as lost, last 13 months
told-lost-none = nothing
told-lost = { $records } records: { $reasons }
told-lost-least = at least { $records } records: { $reasons }
lost-full = the spool or the disk was full
lost-aged = nobody fetched them in time
lost-damaged = they could not be read any more
lost-gone = the sensor no longer had them after the collector was restored: let go after 72 hours, or damaged
lost-set-aside = they lay in a spool that was set aside on the sensor's disk, nobody had them, and their time there is over
lost-set-aside-or-sent = they lay in a spool that was set aside, their time there is over, and some of them may have come before
lost-other = a reason that is not known here
event-started = The program started, version { $version }.
event-list-in-force = List { $revision } is in force, { $indicators } indicators.
event-list-refused = List { $revision } was refused, and the one before stays in force: { $why }
event-spool-damaged = The spool on its disk was damaged; { $octets } bytes are set aside on the sensor.
event-unread-ended = Of what could not be read on its disk { $octets } bytes are removed: their time is over, and nobody knows what they were.
event-indicator-demoted = Indicator { $indicator } met too many: about { $hosts } hosts, { $matches } matches. The sensor tells further hosts together, in one alert without names, for a day at most, or until a list says something else of it. Nothing is left out of the count.
event-indicator-told-again = The sensor no longer tells hosts that meet indicator { $indicator } together.
event-self-test = The sensor tried itself out, and the test came the whole way. It counts as no alert.
event-at-site = Site { $site }:
event-loss = { $records } records are lost ({ $from } to { $to }): { $why }.
event-loss-of = They were: critical { $critical }, high { $high }, medium { $medium }, low { $low }, info { $info }, other { $other }.
event-unknown-alert = More came of alert { $alert }, which is not known here. The record is stored, without an alert; sightings it adds: { $count }.
event-unknown-indicator = A match of indicator { $indicator }, which is not known here; it may have come after the backup that was restored. The record is stored, without an alert.
event-unknown-site = A match at site { $site }, which is not one of this sensor's: agent.toml named it, or an earlier sensor's records came along. The record is stored, without an alert.
event-unreadable-record = A record of { $octets } bytes in a form this collector does not know: a newer sensor's, or damaged. It is stored as it came, without an alert.
event-held-back = It sent more than one sensor ever has to tell, and what it sends is now taken in slowly. If no storm of matches explains it, somebody else may have its key: see whether to revoke it.
event-unpublished-list = It came with a list that was never published here: its number is beyond all from here. Either the collector was restored from a copy and has not published since, or somebody has signed it with a stolen list key: see "listenøkkelen er stjålet" in the guide.
event-thrown-out = It broke the rules of the conversation again and again, and is not greeted for a while each time, five minutes at most. If both programs have the same version, somebody else may have its key: see whether to revoke it.
event-two-live = Two machines use the sensor's identity: one came that had been greeted before, while another was greeted since. Neither is heard until the sensor is released.
event-token-reused = Somebody came with a token that had been used before. Somebody else has the message it was sent in, or it was tried twice: ask the member, and make another token if in doubt.
event-token-guessed = Somebody tried to enrol by this number without knowing its token's secret: a token copied wrongly, or a guess.
event-ended-key = Somebody came with a key that this sensor had before its certificate was renewed. It was refused. An older copy of the machine was started, or the key was taken: ask the member.
event-replaced-again = Another session took the place of the one that stood, for the third time within an hour or more. Its network breaks off, or it is restarted again and again; if neither is so, somebody else has its key: ask the member.
event-silent-again = Again and again somebody proved this sensor's key and then said nothing. If no firewall on the way lets QUIC begin and swallows the rest, somebody else has its key: ask the member, and see whether to revoke it. Its own session is not harmed by it.
event-foreign-site = The sensor's agent.toml names a site that it may not report for. Its session was ended, and it keeps what it finds. Either the site is to be given to it (sensor site add), or the number in agent.toml is wrong.
event-mark-unknown = The sensor said a mark that this collector does not remember to have given. That is so after the collector was restored from a backup.
event-mark-missing = The sensor no longer has the mark it was given; somebody may have cleared its spool's directory.
event-set-back = An older state of the sensor came: it would have gone on from record { $next }, but { $committed } was stored. It was told to begin a new spool, and nothing is counted twice. If its disk was not restored, a copy of it runs somewhere.
event-renewed = The sensor was released from quarantine and begins a new spool, so that no number means two things.
event-epoch-changed = The sensor goes on with another spool than last time: a new one, or an old one again.
event-other = Something this collector has no words for: { $kind }.
health-title = What the sensor could not read
health-words = Numbers since the sensor started.
health-unknown = The sensor has not said anything about losses and blind spots yet.
health-dropped = Lost before they were read
health-dropped-of = { $dropped } of { $total } frames
health-dropped-unknown = Not known
health-drops-unknown = { $unknown } of { $sources } sources cannot tell what the kernel dropped; the number may be too low.
health-refused = Could not be read
health-refused-of = { $refused } frames and messages; { $packets } packets were read
health-evicted = Let go because a table was full
col-reason = Reason
col-meaning = What it means
col-count = Count
reason-cut = cut short: its end did not come along
reason-broken = breaks the format it claims to be
reason-limit = over a limit the sensor keeps
reason-unread = of a kind the sensor does not read
reason-piece = a piece was missing
reason-other = something else
evicted-none = nothing; no table has been full
evicted-flows = { $n ->
    [1] 1 flow
   *[other] { $shown } flows
}
evicted-streams = { $n ->
    [1] 1 TCP connection with DNS
   *[other] { $shown } TCP connections with DNS
}
evicted-pairings = { $n ->
    [1] 1 query that waited for its response
   *[other] { $shown } queries that waited for their response
}
evicted-fragments = { $n ->
    [1] 1 fragment
   *[other] { $shown } fragments
}
evicted-folding = { $n ->
    [1] 1 open alert, closed early
   *[other] { $shown } open alerts, closed early
}
evicted-answers = { $n ->
    [1] 1 remembered answer
   *[other] { $shown } remembered answers
}
evicted-other = { $n ->
    [1] 1 other entry
   *[other] { $shown } other entries
}
blind-title = What the sensor cannot see
blind-words = Encrypted name look-ups and hidden names pass the sensor by. Numbers since it started; in the first hour more flows seem unexplained than are.
blind-flows-none = No flow has left the network yet.
blind-encrypted-dns = Encrypted DNS: { $encrypted } of { $flows } flows out ({ $dot } DoT, { $doq } DoQ, { $doh } DoH to well-known public resolvers).
blind-unexplained = Unexplained: { $unexplained } of { $flows } flows out went to addresses that stood in no answer the sensor has seen.
blind-hellos-none = No TLS hello has been read yet.
blind-ech = Hidden name: { $ech } of { $hellos } TLS hellos carried an encrypted inner name, real or as a cover (ECH).
blind-resolver-names = Well-known public resolvers: { $named } of { $hellos } TLS hellos went to one of them.
# Map
map = The members
map-hit = in an open campaign
map-alone = an incident of its own
map-quiet = can see; nothing open
map-blind = cannot see now
map-none = not a member
map-table = Show as a table
# A campaign
why-title = Why do I see this?
why-possible = “Possible” until a person has looked at it: the coincidence is computed, not confirmed.
link-indicator = The incidents are joined because independent members hit the same indicator: { $what }.
link-own-threat = The alerts are on the same threat: { $what }.
link-own-indicator = The alerts are on the same indicator: { $what }.
link-own-several = The alerts are on several threats or indicators, joined because the same host met them. The first is { $what }.
link-reported-threat = Reported by a person, about the threat { $what }.
link-reported-indicator = Reported by a person, about the indicator { $what }.
link-threat = The incidents are joined because independent members hit the same threat: { $what }.
word-why-title = Why this word?
word-version = Weighed by { $version }.
word-own = The gravest word among your own incidents in it.
word-unweighed = Not weighed yet: the word is the gravest that the list says.
word-again = The word is weighed anew in a moment, for something has changed; until then it is the one from before.
likely-low = low
likely-medium = medium
likely-high = high
level-low = low
level-medium = medium
level-high = high
term-confidence = the source is { $value } of 100 sure, which is { $grade }: { $points }
term-evidence = it got this far: { $value }: { $points }
term-evidence-said = it got this far, say those who reported it: { $value }: { $points }
term-reported = reported by a person; counts as { $value } sureness: { $points }
term-evidence-unknown = nobody has said how far it got: { $points }
term-confirmed = a person has confirmed it: { $points }
term-unconfirmed = what people report and nobody has confirmed is not more than medium likely
term-assumed = severity assumed of what people report: { $value }: { $points }
term-persistent = contact as regular as a program's: { $points }
term-address-only = contact with the address alone, not by name: { $points }
term-verdicts = its sources were right { $confirmed } times and wrong { $refuted }: { $points }
term-low-confidence = of low confidence nothing is more than unlikely
term-medium-confidence = of medium confidence nothing is more than medium likely, unless its sources were mostly right
term-blocked = all of it was stopped: harm is unlikely
term-noise = proposed as noise: unlikely
term-mere-list = of what only a mere list names nothing is more than medium likely, whatever that list says of itself
term-likelihood = Likelihood: { $value } ({ $points } points)
term-zone = the highest consequence level of a zone is { $value }: { $points }
term-severity = severity by the list: { $value }: { $points }
term-members = { $value } independent members got an answer, and confidence is high: { $points }
term-consequence = Consequence: { $value } ({ $points } points)
term-critical-by-name = Critical: contact by name, at a zone of high consequence
term-critical-by-members = Critical: { $value } independent members got an answer, and it is not proposed as noise
term-not-critical = The table says critical, and neither of the two ways there was taken: high
term-unvouched = The table says more than medium, but nobody stands for it: no sure source, no named threat, no regular contact, no data out, no contact at several independent members; so medium
term-said-apart = What people reported is weighed by itself, and comes to no more than what sensors saw: { $value }
term-sensed-apart = What sensors saw is weighed by itself, and comes to less than what people reported: { $value }
too-connected = Too connected: something that linked the incidents holds no more, or there are too many different things here.
too-connected-topics = It is about too many different things.
too-connected-threat = The threat { $value } was found to be a mere list, and links nothing any more.
too-connected-address = Too many different things lead to the address { $value }, and it links nothing any more.
too-connected-indicator = The indicator { $value } is proposed as noise, and links nothing any more.
too-connected-indicator-upheld = The indicator { $value } is noise, says { $who }, and links nothing any more.
too-connected-host = A host of { $value } has met too many different things at once to be one machine, and links no more.
too-connected-gone = A host that had met too many different things at once to be one machine linked these; its alerts are deleted.
too-connected-other = This links nothing any more: { $value }.
too-connected-lift = If that is wrong, it is lifted by
too-connected-split = The parts it would fall into are shown by
bonds-title = What its incidents share
bond-threat = { $n } incidents have the same threat: { $value }
bond-indicator = { $n } incidents have the same indicator: { $value }
bond-contact = in { $n } incidents there was contact with the same indicator: { $value }
bond-address = in { $n } incidents listed names led to the same rare address: { $value }
bond-domain = { $n } incidents have names of the same domain: { $value }
bond-off = (joins nothing any more)
scale-several = Several members are hit.
scale-sector = Sector-wide: it hit a large part of those that could see it.
spread = Spread over time
spread-axis = Norwegian time
spread-words = Each line is a member, from first to last sighting; each dot is an alert that began. The table below says the same.
spread-left-out = { $n ->
    [1] 1 more member stands in the table only.
   *[other] { $shown } more members stand in the table only.
}
why-inbound = came from outside
why-labels-left = { $n ->
    [1] a name below the listed one (1 label to the left)
   *[other] a name below the listed one ({ $shown } labels to the left)
}
why-together = more hosts at once than are told of one by one; the number is about right and has in it those with an alert of their own
why-by-resolver = the resolver asked on behalf of somebody; a trace, not a victim
why-looked-up-by-other = the host was found by its traffic; another looked the name up
why-possible-contact = possible contact: other names share the address
why-regular = regular: { $contacts } contacts, mostly { $span } apart
why-zone = zone { $zone }
why-list = list { $revision } in force at sensor { $sensor }
verdict-false-positive = found to be a false positive: { $reason }; the indicator is withdrawn
verdict-legitimate = found to be legitimate traffic: { $reason }
verdict-confirmed = confirmed: { $reason }
# When something fails
missing-title = Not found
missing-words = The address points at nothing here. The campaign or incident may have been deleted after its retention time; go to the overview.
room-full = The disk of the database is full: nothing new is stored.
room-full-next = Make room on it. Nothing is lost meanwhile: the sensors keep what they have, and it is taken in by itself as soon as there is room.
broken-title = No answer
broken-words = The collector could not read the database. Try again in a while; if it lasts, the log of varde-collector says why.

unnoted-title = Not shown
unnoted-words = This page shows hosts of a member, and that it is shown could not be written into the audit. So it is not shown. If the disk is full, make room; else the log of varde-collector says why.

deletion-title = CERTIFICATE OF DELETION
deletion-whose = Member: { $name } ({ $number })
deletion-former = Former numbers: { $numbers }
deletion-by = Deleted by { $operator } at { $at } with varde-collector { $program }
deletion-what = This was deleted, and overwritten in the database:
deletion-what-in-log = This was deleted. Somebody was reading the database meanwhile, so that it still stands in the database's log, and is overwritten there once they are done:
deletion-members = members (itself and those that had become part of it)
deletion-contacts = contacts
deletion-addresses = domains and networks
deletion-sensors = sensors, all revoked, with keys and history
deletion-sites = sites on sensors of others
deletion-accounts = accounts at the pages
deletion-alerts = alerts
deletion-incidents = incidents
deletion-records = records from the sensors
deletion-heartbeats = heartbeats
deletion-events = events of the sensors
deletion-kept = This is left:
deletion-kept-departure = that a member left at this time, without name and number, so that an older copy which is restored is deleted again
deletion-kept-audit = its name and its numbers in the audit, where it stands who did what: entries are removed when they are 24 months old, the last of them after { $until }
deletion-kept-campaigns = { $n ->
    [one] in one campaign: that one more member was hit
   *[other] in { $shown } campaigns: that one more member was hit
}
deletion-backups = Backups from before the deletion still hold the data. They are kept no longer than until { $until }. If one of them is restored before that, the program deletes the member again.
deletion-copies = Copies in the collector's data directory from before the deletion, which are removed as well, by the collector itself within 35 days after they were made: { $copies }
deletion-sensor = On the member's own machine the sensor is deleted with: varde-agent wipe
deletion-exported = This was handed over before the deletion (SHA-256 and file):

beat-begins = Heartbeats of the collector will be sent to
beat-arrives = Heartbeats of the collector arrive at
beat-fails = HEARTBEATS OF THE COLLECTOR DO NOT ARRIVE at whoever is to raise the alarm should it die.

source-held = Held back, for it suddenly has much less than before, or says something else altogether: the source
source-fails = Cannot be fetched: the source
source-good = Last fetched
source-never = Never fetched

member-former = Was { $name } ({ $number }) until { $until }
member-language = Written to in
member-bokmaal = bokmål
member-nynorsk = nynorsk
member-neutral = either form
member-covered = Digitalsikkerhetsloven
member-covered-yes = covers it
member-covered-no = does not cover it
member-covered-unknown = not known
member-supplier = Shared network
member-supplier-none = none
member-domains = Domains
member-networks = Networks on the internet
member-none-known = none known
member-contacts = Contacts
member-contacts-none = No contacts are known.
member-contacts-first = Add the first under “Change”.
member-sites = Sensors that watch its networks
member-sites-none = No sensor watches this member's networks.
role-it = IT operations
role-security = Security
role-oncall = On call
role-management = Management
role-privacy = Data protection officer
col-role = Role
col-name = Name
col-telephone = Telephone
col-out-of-hours = Out of hours
col-email = E-mail
col-confirmed = Last confirmed
contact-never-confirmed = never confirmed
contact-confirmed-long-ago = over a year ago
site-home = its own network
site-own = its own network, site { $site }
site-of-other = site { $site } on the sensor of { $owner }
site-revoked = The sensor is revoked.
site-not-named = The site was given, but the sensor has not named it: it is missing in its agent.toml.
# Privacy: how long it is kept
footer-privacy = Privacy
kept-title = How long it is kept
kept-words = The periods by which the programs themselves delete. What is older is gone within an hour while the collector runs; where the clock has leapt, six hours' worth at a time.
col-kept-what = What
col-kept-where = Where
col-kept-for = How long
kept-sensor = the municipality (sensor)
kept-collector = the CSIRT (collector)
kept-spool = Matches that the collector has acknowledged
kept-spool-waiting = Matches that nobody has fetched
kept-hosts = Which machine a pseudonym stands for
kept-alerts = Alerts, incidents and campaigns
kept-counts = Numbers of alerts by member, kind of indicator, severity and day; never with a machine
kept-losses = What sensors have lost, and operational incidents
kept-heartbeats = Heartbeats, and what sensors say of themselves
kept-sightings = What sources were told of their own indicators
kept-audit = The audit, and who published, recalled, allowed and braked
kept-accounts = Accounts at the pages: name, role, when they last came in
kept-sessions = Sessions of the pages: when they began, when somebody was last there, and which browser
kept-backups = Backups
kept-hours = { $n ->
    [1] 1 hour
   *[other] { $shown } hours
}
kept-days = { $n ->
    [1] 1 day
   *[other] { $shown } days
}
kept-months = { $n ->
    [1] 1 month
   *[other] { $shown } months
}
kept-member = until the member leaves

# The work on incidents and campaigns.
work-title = The work
by-person = reported by a person
csirt-only = CSIRT only
link-human = A person has reported it, and it is tied to no indicator or threat.
col-work-state = State
col-owner = Owner
owner-none = nobody yet
state-new = new
state-triaged = triaged
state-confirmed = confirmed
state-contained = contained
state-closed-confirmed = closed: confirmed
state-closed-false-positive = closed: false positive
state-closed-legitimate = closed: legitimate traffic
state-closed-duplicate = closed: duplicate of { $of }
state-closed-duplicate-unnumbered = closed: duplicate of another incident
state-closed-exercise = closed: exercise
work-came-back = { $n ->
    [one] It has come back once.
   *[other] It has come back { $shown } times.
}
work-grown = More has come to be known since it was closed, which the closing covers.
measures-title = Measures
col-measure = Measure
col-when = When
col-who = Who
measure-planned = planned
measure-done = done
measure-not-applicable = not applicable
clocks-title = Legal clocks
clocks-none = none runs
clocks-help = This is help, not legal advice. A clock runs here only because a person said so.
clock-due = due
clock-nsm = Notice to NSM within 24 hours (digitalsikkerhetsloven)
clock-datatilsynet = Notice to Datatilsynet within 72 hours (GDPR article 33)
clock-left = { $span } left
clock-over = ran out { $span } ago
clock-reported = reported in time
clock-reported-late = reported after it was over
clock-withdrawn = withdrawn: { $reason }
clock-not-discovered = Nobody has said when it was discovered, so no clock runs.
clock-not-covered = The member is not covered by digitalsikkerhetsloven, so the 24 hours do not run.
clock-covered-unknown = It is not known whether the member is covered by digitalsikkerhetsloven; the 24 hours do not run before somebody says so.
clock-no-breach = Nobody has said that it may be a personal data breach, so the 72 hours do not run.
timeline-title = Timeline
col-happened = Happened
col-learnt = Learnt
col-what = What
said-reported = Reported by a person: { $text }
said-reported-far = Reported by a person: { $text }. It got this far, says who reported it: { $evidence }
said-assigned = Owner: { $owner }
said-unassigned = Nobody owns it any more
said-measured = Measure, { $status }: { $text }
said-discovered = Discovered
said-breach = Possible personal data breach
said-duty-reported = Reported. { $duty }
said-duty-withdrawn = Does not apply ({ $reason }). { $duty }
said-reached = Got as far as: { $evidence }
said-back-seen = Came back: seen again after it was closed (was { $was })
said-back-further = Came back: got further than was known (was { $was })
said-back-else = Came back: something that the closing does not cover (was { $was })
said-back-else-named = Came back: { $name }, which the closing does not cover (was { $was })
said-back-member = Came back: another member has joined (was { $was })
said-back-reported = Came back: reported by a person (was { $was })
said-returned = Came back: the same host and indicator as in incident { $id }, which is closed
said-returned-unnumbered = Came back: the same host and indicator as in an incident that is closed
said-went-on = Came back much later, as incident { $id }
said-went-on-unnumbered = Came back much later, as a new incident
said-joined = Number { $id } turned out to be part of it (was { $was })
said-joined-unnumbered = Another incident turned out to be part of it (was { $was })
said-split = { $many ->
    [no] Split: incident { $incidents } was taken out of campaign { $from } and is campaign { $into } from then on: { $reason }
   *[yes] Split: incidents { $incidents } were taken out of campaign { $from } and are campaign { $into } from then on: { $reason }
}
said-split-alone = { $many ->
    [no] Split: incident { $incidents } was taken out of campaign { $from } and is in no campaign: { $reason }
   *[yes] Split: incidents { $incidents } were taken out of campaign { $from } and are in no campaign: { $reason }
}
said-merged = Merged: campaign { $id } is part of this one from then on (was { $was }): { $reason }
said-first = First sighting
said-history = Seen in history
said-concluded = Came to be a possible campaign
said-hit = { $number } { $name } hit (incident { $id })
said-hit-unnumbered = { $number } { $name } hit
# The analyst's lists
desk-alerts = Alerts
desk-filter = Narrow down
desk-filter-go = Show
desk-filter-help = Words are looked for in indicators, threats and members. A minus in front leaves out. Example:
desk-chips = Narrowed down to
desk-chip-remove = Remove { $token }
desk-range = Time range
desk-range-hour = 1 h
desk-range-day = 24 h
desk-range-week = 7 days
desk-range-month = 30 days
desk-range-wider = Longer range
desk-range-own = Choose a range
desk-range-from = From
desk-range-to = To
desk-range-bad-quick = The range is not known. Use 1t, 24t, 7d or 30d, or choose from and to. The usual one is shown.
desk-range-bad-from = "From" is not a time. Write it as 2026-11-21T14:05. The usual range is shown.
desk-range-bad-to = "To" is not a time. Write it as 2026-11-21T14:05. The usual range is shown.
desk-range-bad-order = "To" must be after "from". The usual range is shown.
desk-range-bad-long = The range is longer than alerts are kept (13 months). Choose a shorter one. The usual one is shown.
desk-cursor-bad = That page belongs to another selection. The first page is shown.
desk-trouble-key = Character { $at }: "{ $word }" is not understood. Here you can use { $right }. Put text with a colon in quotation marks.
desk-trouble-not-here = Character { $at }: "{ $word }" does not apply to this list. Here you can use { $right }.
desk-trouble-value = Character { $at }: "{ $word }" is not understood. After { $name }: there may be { $right }.
desk-trouble-no-value = Character { $at }: "{ $word }" has no value. After { $name }: there may be { $right }.
desk-trouble-quote = Character { $at }: "{ $word }" has a quotation mark that is not closed. Put another behind the text.
desk-trouble-many = Character { $at }: only the first { $most } words are read. Take some away.
desk-trouble-values = Character { $at }: "{ $word }" has too many values. Use { $most } at most.
desk-trouble-long = From character { $at } the text is too long and is not read. Use { $most } bytes at most.
desk-right-member = a number such as 3407 or the beginning of a name
desk-right-name = a part of the name
desk-right-owner = a part of the name, or { $nobody }
desk-right-number = a number from 1 up
desk-right-rising = { $words }; several with commas between, or + behind for "and more"
desk-when = When
desk-when-table = Show as a table
desk-per = alerts per { $span }
desk-spark = Alerts per { $span }, { $most } at most
desk-alerts-n = { $n ->
    [1] 1 alert
   *[other] { $shown } alerts
}
desk-groups-n = { $n ->
    [1] 1 indicator
   *[other] { $shown } indicators
}
desk-incidents-n = { $n ->
    [1] 1 incident
   *[other] { $shown } incidents
}
desk-campaigns-n = { $n ->
    [1] 1 campaign
   *[other] { $shown } campaigns
}
desk-alerts-none = No alerts in the range
desk-alerts-none-of = { $n ->
    [1] The one alert in the range is not shown
   *[other] None of the { $shown } alerts in the range is shown
}
desk-incidents-none = No incidents in the range
desk-incidents-none-of = { $n ->
    [1] The one incident in the range is not shown
   *[other] None of the { $shown } incidents in the range is shown
}
desk-campaigns-none = No campaigns in the range
desk-campaigns-none-of = { $n ->
    [1] The one campaign in the range is not shown
   *[other] None of the { $shown } campaigns in the range is shown
}
desk-open-whenever = What is open is shown whenever it was last seen.
desk-hidden-muted = { $n ->
    [1] 1 muted
   *[other] { $shown } muted
}
desk-hidden-settled = { $n ->
    [1] 1 settled
   *[other] { $shown } settled
}
desk-hidden-closed = { $n ->
    [1] 1 closed
   *[other] { $shown } closed
}
desk-hidden-show = Show
desk-hidden-shown = What is otherwise hidden is shown too.
desk-hidden-hide = Hide again
desk-cut = There are more than { $most } alerts in the range. Only the newest, since { $since }, are counted. Choose a shorter range.
desk-none = Nothing in this range fits. Choose a longer range, or take away some of what the list is narrowed down to.
desk-select = Select
desk-select-row = Select { $what }
desk-seen-by = Seen at
desk-reach = { $hit } of { $able } that could see it; { $blind } could not
desk-belongs = Belongs to
desk-no-case = no incident
desk-in-history = in history
desk-proposed = proposed as noise
desk-met-before = first time
desk-fresh = { $n ->
    [1] 1 new
   *[other] { $shown } new
}
desk-acknowledged = acknowledged by { $who } { $at }
desk-refuted = the indicator is a false positive
desk-muted = muted by { $who } until { $until }: { $reason }
desk-muted-at = muted at { $member } by { $who } until { $until }: { $reason }
desk-muted-title = Muted
desk-muted-help = This is hidden from the alert list for a time. What gets further at a member than it had when it was muted is shown all the same.
desk-muted-none = Nothing is muted now.
desk-muted-all = All that is muted
desk-muted-where = At
desk-muted-everywhere = all members
desk-muted-why = Reason
desk-muted-by = Muted by
desk-muted-until = Until
desk-muted-reason = Why it is muted no longer
desk-muted-n = { $n ->
    [1] 1 muting stands now
   *[other] { $shown } mutings stand now
}
desk-why = Why do I see this?
desk-why-listed = { $indicator } is listed by { $sources }, with confidence { $confidence } of 100.
desk-why-far = The furthest it got: { $far }.
desk-why-severity = Severity by the list: { $severity }.
desk-why-history = Some of it was found in the sensors' history, and counts from when it was found.
desk-why-noise = The indicator is proposed as noise: many met it at once, and little came of it.
desk-why-muted = { $n ->
    [1] 1 of the alerts is muted.
   *[other] { $shown } of the alerts are muted.
}
desk-tools = Handle the selected
desk-tools-help = A reason is needed for false positive, legitimate traffic and muting, and text for a note.
desk-tools-everywhere = Applies to all alerts on the indicator, at all members – also those that are not shown here. Acknowledging applies to what had come when the page was fetched; muting can be for one member.
desk-reason = Reason or note
desk-days = Mute for so many days
desk-at-member = Mute only at member (number)
desk-act-acknowledge = Acknowledge
desk-act-false-positive = False positive
desk-act-legitimate = Legitimate traffic
desk-act-mute = Mute
desk-act-unmute = Unmute
desk-act-take = Take over
desk-act-note = Note
desk-key-case = incident
desk-next = Next page
desk-export = Take along (noted in the audit):
desk-export-defanged = text without clickable addresses
desk-views = Saved views
desk-views-none = None yet. Narrow the list down, and save it here.
desk-view-shared = shared
desk-view-change = Change
desk-view-name = Name
desk-view-new = Save this view as
desk-view-share = shared with all analysts
desk-view-save = Save
desk-view-rename = Save change
desk-view-delete = Delete
desk-view-bad-name = The name must have 1 to 80 bytes on one line.
desk-view-bad-taken = You have a view of that name already. Choose another.
desk-view-bad-many = You have as many views as fit (50). Delete one first.
desk-view-bad-shared = There are as many shared views as fit (200). Save it for yourself.
desk-view-bad-gone = The view is there no longer, or it is somebody else's.
desk-undo = Undo
desk-undo-all = All that can be undone
desk-undo-title = Undo
desk-undo-help = What you did in the last quarter of an hour can be undone as a whole. Audit and timeline keep both.
desk-undo-none = Nothing can be undone now.
desk-undone = It is undone. All is as it was.
desk-undo-gone = There is no such thing to undo.
desk-undo-others = Somebody else did that. Only they can undo it.
desk-undo-already = It is undone already.
desk-undo-late = It is too long ago: undoing works for a quarter of an hour. Do the opposite instead.
desk-undo-changed = Somebody has gone on with it since. Nothing was undone. Look at it as it is now.
desk-did-acknowledge = Acknowledged
desk-did-false-positive = Marked as false positive
desk-did-legitimate = Marked as legitimate traffic
desk-did-mute = Muted
desk-did-unmute = Unmuted
desk-did-take = Taken over
desk-did-note = Note written
desk-target-indicator = the alerts of indicator { $id }
desk-target-incident = incident { $id }
desk-target-campaign = campaign { $id }
desk-target-muting = muting { $id }
desk-not-gone = is there no longer, or has no alerts
desk-not-already = is so already
desk-not-judged = all its alerts were judged before
desk-not-case = belongs to no open incident
desk-not-such = that cannot be done to this
desk-not-closed = is closed; reopen it first
desk-not-full = there is no room for more
desk-not-muted = is not muted, or not any more
desk-done = Done
desk-done-n = { $n ->
    [1] Done to 1.
   *[other] Done to { $shown }.
}
desk-not-done = Not done
desk-withdrawn = { $n ->
    [1] 1 indicator is withdrawn.
   *[other] { $shown } indicators are withdrawn.
}
desk-withdrawn-next = Sensors learn of it with the next list.
desk-back = Back to the list
desk-bad-none = Nothing is selected. Tick what is to be handled.
desk-bad-many = Too many are selected. Handle 100 at a time at most.
desk-bad-reason = Write a reason on one line, 400 bytes at most.
desk-bad-note = Write a note on one line, 2000 bytes at most.
desk-bad-days = The number of days must be from 1 to 365.
desk-bad-member = There is no member of that number. Write the number, for example 3407, or leave the field empty.
desk-bad-title = Not done

# Coming in

sign-in-title = Sign in
sign-in-words = This page is for the CSIRT and its members. If you have no account, ask the CSIRT for an invitation. If you have lost your password or your second factor, the CSIRT makes a link for you.
sign-in-button = Sign in
sign-out = Sign out
link-whose = This link is for the account { $name }.
link-once = The link works once. If you did not ask for it, close this page and tell the CSIRT.
spent-title = The link is not good
spent-words = It was used, is too old, or a newer one was made. Ask the CSIRT for another.
forbidden-title = Not for your role
forbidden-words = You are signed in, but your role does not open this page. If you need it, ask an administrator at the CSIRT. You can also sign out and come in with another account.
unknown-title = Not signed in
unknown-words = The session is over, or you have not signed in. Load the page again to sign in.
elsewhere-title = Not done
elsewhere-words = The form did not come from a page that is good now. Nothing was changed. Go back, load the page again and try once more.
unread-title = Not read
unread-words = What was sent was too large, came too late or was no form. Nothing was changed.
screen-title = Screen on the wall
screen-words = A screen shows the overview, without hosts and without anybody signed in. It needs a token, which is made like this:
screen-token = The screen's token
screen-button = Show the overview
screen-wrong = This is no token for a screen, or it is good no longer.
sign-in-wrong = Name, password or code is wrong. Check all three. If you have lost one of them, the CSIRT makes a link for you.
sign-in-wait = { $n ->
    [one] Too many attempts. Wait one second and try again.
   *[other] Too many attempts. Wait { $shown } seconds and try again.
 }
oidc-sign-in = Sign in with { $name }
oidc-or = Or by password and code:
oidc-accept = Use the account with { $name }
oidc-or-choose = Or choose a password and a second factor here:
oidc-tie = Connect
oidc-untie = Disconnect
oidc-tied = The account is connected to { $name } since { $since }. You can sign in there in place of by password and code.
oidc-untied = The account is not connected to { $name }. If you connect it, you can sign in there in place of by password and code.
oidc-late = The answer from { $name } belongs to nothing you began here just now. Begin anew: in the same browser, and within ten minutes.
oidc-refused = { $name } did not let you in, or its answer could not be used. Try once more. If that does not help, the collector's log says why.
oidc-unreachable = { $name } does not answer. Wait a little and try again, or sign in by password and code.
oidc-one-factor = { $name } does not say that you used a second factor, and one is needed here. Turn on two-step sign-in there, or ask whoever runs it.
oidc-unknown = You are signed in with { $name }, but no account here is connected to you there. Ask the CSIRT for an invitation, or sign in by password and code and connect the account under “My account”.
oidc-taken = Another account here is connected to you at { $name } already. Sign out there and in as somebody else, or use that account.
oidc-spent = The link or the session you began with is good no longer. Nothing has changed.
no-room-title = The collector’s disk is full
no-room-words = Nobody can sign in before there is room on it: that somebody came in cannot be written. Whoever runs the collector has to make room; the sensors hold on to what they have meanwhile.
left-title = You are signed out here
left-words = This browser has forgotten the session, but the collector could not end it, because its disk is full or its database cannot be written. It is over when it has been idle for a while, and eight hours after it began at the latest.
busy-title = One moment
busy-words = Many are signing in at the same time. Try again in a few seconds.
often-title = Too many attempts
often-words = Wait a minute and try again.
field-name = User name
field-password = Password
field-code = Code from your telephone
field-code-words = Six digits from the app. Without the telephone, write one of your recovery codes.
field-new-password = New password
field-password-words = 12 characters at least. Several ordinary words in a row are good; length counts.
field-again = The new password once more
field-current = The password you have now
choose-title = Choose a password and a second factor
choose-whose = You are invited as { $name }.
choose-button = Start using the account
first-words = Nobody has an account here yet. The first one is an administrator and can invite the others.
factor-title = Second factor
factor-words = Read the square with an app for one-time codes, such as the one that came with your telephone. Then write the code it shows.
factor-square = Square with the secret for the app
factor-typed = If you cannot read the square, write this in the app:
codes-title = Recovery codes
codes-words = Print them or put them in a password manager now: they are not shown again. Each works once, in place of the code from your telephone.
codes-go-on = I have kept them. Go on
own-title = My account
own-sessions = Open sessions
own-session = Began { $began }, last used { $seen }.
own-session-this = This one
own-session-end = End
own-language = Language of the pages
own-save = Save
own-password = Password
own-password-button = Change password
own-no-password = The account has no password yet. An administrator makes an invitation like this:
own-factor-button = Change second factor
own-codes-left = { $n ->
    [one] One of ten recovery codes is left. Changing the second factor gives ten new ones.
   *[other] { $shown } of ten recovery codes are left. Changing the second factor gives ten new ones.
 }
fault-name = The name needs two letters at least, only letters, digits and . - _ @ +, and must not be taken.
fault-short = The password is too short. It needs { $least } characters at least.
fault-long = The password is too long.
fault-common = The password is among those that are tried first. Choose several words that do not belong together.
fault-own-name = The password is almost the same as the name. Choose something else.
fault-differs = The two passwords are not the same.
fault-code = The code is not right. Wait until the app shows a new one, and see that the telephone's clock is right.
fault-wrong = The password you have now is not right.
account-role-analyst = analyst
account-role-publisher = publisher
account-role-administrator = administrator
account-role-auditor = auditor
account-role-it = IT
account-role-management = management
account-role-wall = screen
# Advisories to members, and measures
said-advisory-sent = Advisory sent: { $title }
said-advisory-corrected = Corrected advisory sent: { $title }
said-advisory-to = { $n ->
    [1] (to 1 member)
   *[other] (to { $shown } members)
}
said-advisory-read = { $name } ({ $number }) confirmed to have read it
said-advisory-answered = { $name } ({ $number }) answered: { $answer }
said-advisory-withdrawn = The advisory is withdrawn: { $reason }
answer-not-affected = We are not affected.
answer-affected = We are affected.
answer-need-help = We need help.
answer-measure-done = A measure is done.
answer-measure-done-named = The measure is done: { $title }.
advisories-title = Advisories
advisories-none = No advisories yet.
bank-title = Bank of measures
bank-words = What you can do yourselves, in the order in which it is usually done. The numbers are those of NSM's basic principles for ICT security.
measure-sort = { $sort }, { $purpose } · NSM { $nsm }
measure-organisational = Organisational
measure-human = Human
measure-physical = Physical
measure-technological = Technological
measure-prevent = prevent
measure-detect = detect
measure-handle = handle
measure-done-when = Done when:
col-advisory = Advisory
col-sent = Sent
col-read = Read
advisory-draft = draft
advisory-sent = sent
advisory-corrected = corrected
advisory-withdrawn = withdrawn
advisory-withdrawn-why = This advisory no longer holds:
advisory-corrected-words = This advisory was corrected.
advisory-corrected-link = Read the new version
advisory-corrects = This is a corrected version. See the one before
advisory-no-text = (no text yet)
advisory-read-of = Read by { $read } of { $of }
advisory-read = Confirmed as read
advisory-unread = Not confirmed as read
advisory-own = With you
advisory-own-incident = Your incident
advisory-others = The advisory went to at least { $least } others.
advisory-measures = Measures
advisory-measures-further = Where it got further
advisory-measures-further-words = This is for where it got further than at yours. You need not do it now.
advisory-calls = Not read – ring these
advisory-calls-none = All who got the advisory have confirmed to have read it.
advisory-no-telephone = No telephone number in the profile
advisory-mail-distrusted = Gets no mail, it may be read by others: { $why }
advisory-no-address = Gets no mail: no address in the profile
advisory-called = Rung { $at } by { $who }
advisory-answers = Answers
advisory-answers-none = Nobody has answered yet.
advisory-readers = Have read it
advisory-mails = Mail that has not arrived
advisory-mail-waits = { $member }: waits, tried again { $next }. { $why }
advisory-mail-given-up = { $member }: not sent. { $why }
advisory-confirm = Confirm as read
answer-title = Answer
answer-legend = How do things stand with you?
answer-words = We answer in our own words.
answer-measure = Which measure is done
answer-text = More to say (may be left empty)
answer-button = Send the answer
answer-wrong-none = Choose an answer, and say which measure is done or what you want to say. Nothing was sent yet.
answer-wrong-long = The text is too long: at most { $most } bytes. Nothing was sent yet.
advisory-called-button = Rung
news-title = New since last time:
news-campaigns = { $n ->
    [1] 1 new campaign
   *[other] { $shown } new campaigns
}
news-incidents = { $n ->
    [1] 1 new incident
   *[other] { $shown } new incidents
}

# Indicators
intel-all = All indicators
intel-allowed = On the allow-list since { $since }, by { $who }: { $reason }
intel-allowed-over = Was on the allow-list from { $since }, by { $who }: { $reason }. It no longer holds.
intel-bad-reason = Write a reason: a sentence on one line. It stands in the audit.
intel-bad-sure = Tick that it is meant.
intel-bad-until = Choose a day, such as 31 Jan 2027.
intel-braked = Braked: hits are counted without an alert until { $until }.
intel-by-kind = Kind
intel-by-source = Source
intel-by-tlp = Marking
intel-claims = Who says so
intel-claims-more = { $n ->
     [one] One older claim is not shown.
    *[other] { $shown } older claims are not shown.
}
intel-copied = Copied
intel-copy = Copy
intel-copy-what = Copy { $what } as it is
intel-filter-help = Words are looked for in indicators and threats. A minus in front leaves out. Example:
intel-first-published = First published
intel-first-said = First said
intel-follows = What follows
intel-from = Holds from
intel-hide-withdrawn = Hide those withdrawn
intel-its-alerts = See the alerts
intel-last-said = Last said
intel-left-expired = its time is over
intel-left-fingerprint = there is no keyed hash of a confidential fingerprint
intel-left-lint = lint holds it back ({ $rule })
intel-left-recalled = it is recalled
intel-left-red = TLP:RED goes out only where somebody says so: varde-collector publish --include-red
intel-left-unreadable = it cannot be read; import it again
intel-left-withdrawn = no source says so any more
intel-lint-always = Held back. Cannot be overridden.
intel-lint-holds = Held back. A publisher may override.
intel-lint-none = Lint has nothing to say of it.
intel-lint-overridden = Goes out all the same: somebody has overridden it.
intel-lint-warns = Goes out. This is a warning only.
intel-marked = Marked
intel-met = Met so far
intel-met-none = { $n ->
     [0] No member has a sensor yet
     [one] Not met at the one member with a sensor
    *[other] Not met at any of { $shown } members with a sensor
}
intel-met-not-out = Not out at sensors, so nobody can have met it
intel-met-of = at { $members } of { $watched } members with a sensor
intel-met-own = { $n ->
     [one] One alert at yours
    *[other] { $shown } alerts at yours
}
intel-next-in = The next publication takes it in.
intel-next-neither = It will not be in the next list either: { $why }.
intel-next-open = After the next publication it is looked for without an end.
intel-next-out = The next publication takes it out: { $why }.
intel-next-until = After the next publication it is looked for until { $until }.
intel-no-end = Without an end
intel-none = No indicators yet. Paste a warning under “Drafts”, or add a source.
intel-none-fit = No indicators fit this.
intel-none-own = Nothing on the list has been met at yours.
intel-out-no-more = Out no longer: it is in no list that is in force.
intel-out-not-yet = Not out: it is in no list yet.
intel-out-open = Out: sensors look for it without an end, by list { $list }.
intel-out-over = In list { $list }, but its time was over { $until }: sensors look no longer.
intel-out-until = Out: sensors look for it until { $until }, by list { $list }.
intel-override = Override lint
intel-override-go = Let it go out all the same
intel-override-help = It comes with the next list, and goes out of it by itself when the day is over. The reason stands in the audit.
intel-override-over = { $who } overrode { $rules } until { $until }: { $reason }. It no longer holds.
intel-override-stands = { $who } has overridden { $rules } until { $until }: { $reason }
intel-override-until = Up to and including (a year at most)
intel-own = Met at yours
intel-parts = Intelligence
intel-reason = Reason
intel-recall = Recall the indicator
intel-recall-go = Recall
intel-recall-help = It goes out of all lists now, and comes in again only when somebody lifts that. Where the list key is with the duty officer it is only counted until the list is signed.
intel-recall-sure = Yes, take it out at all members
intel-recalled = Recalled { $since }: { $why }
intel-received = Received
intel-refused = It was not done: { $why }
intel-rule = Rule
intel-sent = List { $list }, published { $at }, has { $total }.
intel-sent-counts = Numbers by source, kind and marking
intel-sent-few = What is shared with few is not counted.
intel-sent-none = No list is published yet.
intel-sent-of = { $count } of { $total }
intel-sent-title = What sensors look for
intel-show-withdrawn = Show those withdrawn too
intel-standing-title = Is it out?
intel-state-published = Published
intel-state-recalled = Recalled
intel-state-unpublished = Not published
intel-state-withdrawn = Withdrawn
intel-tags = Tags
intel-taken-back = Taken back
intel-techniques = Techniques
intel-together = { $n ->
     [one] One sensor tells of further hosts together, for it met too many.
    *[other] { $shown } sensors tell of further hosts together, for it met too many.
}
intel-total = { $n ->
     [one] One indicator
    *[other] { $shown } indicators
}
intel-total-more = More than { $most } indicators
intel-network-cut = The network holds more than { $most } indicators, so the filter looks at the newest { $most }. Type a smaller network.
intel-total-own = { $n ->
     [one] One indicator has been met at yours
    *[other] { $shown } indicators have been met at yours
}
intel-until = Holds until
intel-url = Address
intel-where-met = Where it was met
kind-ja4 = JA4 fingerprint

# Drafts
draft-added = { $n ->
     [0] No new indicators
     [one] One new indicator
    *[other] { $shown } new indicators
}
draft-bad-empty = Paste a warning or a list first.
draft-bad-large = The text is too long to paste. Save it as a file, and use varde-collector indicator import.
draft-bad-source = Write where it comes from, on one line, such as “NCSC”.
draft-busy = Another import is under way. Try again shortly; your text stands here.
draft-by = Changed by { $who }.
draft-by-nobody = Nobody is known to have changed what it is made of since that list.
draft-by-since = Changed by { $who }, first { $since }.
draft-called = The draft is called
draft-changed = { $n ->
     [0] None changed
     [one] One changed
    *[other] { $shown } changed
}
draft-comes-to = { $taken } are taken in, of them { $held } are held back from the list. { $out } are left out. { $beside } are seen and not taken.
draft-fate = What becomes of it
draft-fate-clue = Kept for people. No sensor can look for it.
draft-fate-harmless = Its source says that it is harmless.
draft-fate-held = Taken in, but lint holds it back ({ $rule }).
draft-fate-known = Taken in. Known already.
draft-fate-left-out = Left out.
draft-fate-over = Taken in, but too old to go out.
draft-fate-passed = Seen, not taken.
draft-fate-red = Taken in. TLP:RED does not go out unless somebody says so.
draft-fate-taken = Taken in.
draft-for-few = shared with few
draft-format = Format
draft-format-auto = find out
draft-held = What does not go out
draft-held-can = A publisher can override, on the indicator’s page.
draft-held-cannot = Cannot be overridden.
draft-held-first = The first
draft-held-help = Rules stop what would raise alerts at everybody. Find the indicator in the list of indicators to override it.
draft-held-none = Nothing is held back.
draft-hits = { $hosts } hosts at { $members } members
draft-hits-help = Worked out from the alerts that are stored. What met nothing then left nothing here, so it is at least so much.
draft-hits-none = None of the alerts that are stored
draft-lacks = Four eyes: somebody else than { $who } must look through the draft before it is published. A user of the machine and an account here do not count as two people.
draft-lacks-unknown = Four eyes: nobody knows any more who brought in what is new. Take it in again, then somebody else can look it through.
draft-line = line { $line }
draft-look = See what is taken in
draft-look-again = Look again
draft-looked = This is taken in
draft-more = { $n ->
     [one] One more is not shown.
    *[other] { $shown } more are not shown.
}
draft-next-title = Draft of the next list
draft-not-other = Something has changed since the draft was shown, so nothing is done. Look through it again.
draft-not-overtaken = In this moment somebody else published, recalled or judged something. Nothing is published. Try again.
draft-not-shrunken = List { $list } has { $held } indicators, and only { $count } would be left. Nothing is published. If that is meant, tick and publish again.
draft-out-expired = { $n ->
     [one] One is too old.
    *[other] { $shown } are too old.
}
draft-out-fingerprints = { $n ->
     [one] One confidential JA4 fingerprint cannot go out.
    *[other] { $shown } confidential JA4 fingerprints cannot go out.
}
draft-out-red = { $n ->
     [one] One is marked TLP:RED. It goes out only by varde-collector publish --include-red.
    *[other] { $shown } are marked TLP:RED. They go out only by varde-collector publish --include-red.
}
draft-own-word = The text says of itself: { $tlp }.
draft-paste = Paste a warning
draft-prepare = Prepare for signing
draft-prepare-help = The list key is with the duty officer. The list waits until it is signed there, and no sensor has it before.
draft-publish = Publish this draft
draft-publish-help = It is signed by the key on the collector. Where there is a pilot group it goes there first.
draft-published = List { $list } is published and on its way to sensors.
draft-read-as = Read as { $format }.
draft-removed = { $n ->
     [0] None go out
     [one] One goes out
    *[other] { $shown } go out
}
draft-review = Say that you have looked it through
draft-review-go = I have looked it through
draft-review-reason = What you looked at
draft-reviewed-by = Looked through by
draft-same = Nothing new: the list in force says the same.
draft-see-next = See the draft of the next list
draft-shrink = Yes, the list is meant to be so much smaller
draft-sign-back = Then back on the collector:
draft-sign-here = On the collector, write the file to be signed (numbers and sums, no indicators):
draft-sign-how = This is how it is signed:
draft-sign-there = Where the list key is:
draft-source-usual = Pasted
draft-take = Take in
draft-text = Warning, e-mail, list, CSV, STIX or MISP
draft-text-help = Nothing is taken in before you have seen what it is. Files with attachments and PDF: varde-collector indicator import.
draft-title = Drafts
draft-tlp-own = as it says, else TLP:AMBER
draft-warns = Lint warns:
draft-where = Where
draft-words = { $count }, held against list { $list }.
draft-words-first = { $count }. No list is published yet.
draft-would-hit = Would have hit

# Sources and lists
lists-bad-newer = Another list has come since the page was shown. Look at it, and do it again if that is meant.
lists-by-itself = the collector itself, because it hit too many
lists-by-recall = recall
lists-channel-all = all
lists-channel-pilot = the pilot group
lists-for = For whom
lists-has = has list { $list }
lists-has-none = has no list
lists-lacking = Who lacks it
lists-lift = Lift
lists-lift-go = Let it into lists again
lists-list = List { $list }
lists-number = List
lists-off = not connected
lists-published = Published
lists-reach = In force at { $have } of { $sensors } sensors that follow it
lists-reach-none = No sensor follows it yet
lists-reach-title = How far the newest has come
lists-recall = Recall list { $list }
lists-recall-help = What the list before held for all is in force again, under a new number. What this one brought comes in again only when somebody lifts that.
lists-recall-lifted = Lifted
lists-recall-stands = Kept out of all lists
lists-recall-sure = Yes, take back list { $list } at all members
lists-recalled = Recalled indicators
lists-recalled-none = No indicator is recalled.
lists-title = Lists
source-bad-deed = Choose what is to be done with the source.
source-bad-name = There is no such source. Somebody may have removed it.
source-brought = { $new } new, { $gone } withdrawn
source-brought-last = Came last
source-brought-nothing = Nothing fetched yet
source-do = Do
source-every-days = { $n ->
     [one] every day
    *[other] every { $shown } days
}
source-every-hours = { $n ->
     [one] every hour
    *[other] every { $shown } hours
}
source-every-minutes = { $n ->
     [one] every minute
    *[other] every { $shown } minutes
}
source-fetch = Fetch now
source-fetch-what = Fetch now: { $name }
source-fetching = { $name } is being fetched. Load the page again shortly to see what came.
source-help = What is fetched does not go out before somebody publishes it.
source-last = Last success
source-none = No source is fetched yet. A source is added on the collector:
source-pause = Let rest
source-pause-what = Let rest: { $name }
source-record = How often it is right
source-record-met = { $hits } of { $shown } published have been met.
source-record-none = Nothing of it is published yet.
source-record-right = { $confirmed } of { $verdicts } verdicts confirmed.
source-record-unjudged = None judged.
source-release = Take in what is held
source-release-what = Take in what is held: { $name }
source-resume = Resume
source-resume-what = Resume: { $name }
source-standing = { $n } stand by its word
source-state-fails = { $n ->
     [one] Failed at the last try
    *[other] Has failed { $shown } times in a row
}
source-state-good = Works
source-state-held = Held: what came is not taken in, and what stood stands. Held since
source-state-paused = Rests
source-state-untried = Not tried yet
source-title = Sources
source-total = { $good } of { $all } sources work.
source-tried = tried
trust-waits-how = How it is signed
# Members, sensors, audit and accounts on the pages
members-none = No members yet. Add the first like this:
members-map = Tile map of the municipalities. The table below says the same.
members-standing = How they stand
members-standing-words = A square is a municipality. Counties and companies have none and stand in the table alone. Exercises do not count.
members-key-hit = Hit, in an open campaign
members-key-alone = Hit, an incident of its own
members-key-well = All well: can see, nothing open
members-key-blind = Silent: cannot see now
members-outside = Not a member: { $count } of { $total } municipalities
members-hit = hit
members-blind = silent
members-well = all well
members-list = All members
members-q = Name or number
members-sort-incidents = most open incidents
members-sort-heard = longest not heard
members-shown = Showing { $count } of { $total } members
members-open = Open incidents
members-none-open = none
members-sensors = Sensors that hear
members-no-sensor = none
members-list-age = Oldest list
members-no-list = has no list
col-county = County
any = all
sort-by = Sort by
show-all = Show all
none-fits = None fits what is chosen. "Show all" takes the choice away.
never = never
member-change = Change
member-confirm-words = Are all contacts above right?
member-confirm = Confirm the profile
member-contact-change = Change contact: { $role }
member-contact-add = Add contact: { $role }
member-contact-right = I have checked today that this is right
member-contact-remove = Remove the contact
member-profile-change = Change language, law, shared network, domains and networks
member-supplier-hint = Members behind one network count as one when a campaign is drawn. Leave it empty where there is none.
member-one-a-line = One a line, for example
member-mail-distrust = Mark the mail as possibly compromised
member-mail-distrust-words = No mail is sent to the member then, not even what waits. It stands first among those to ring.
member-mail-trust = Trust the mail again
member-mail-trust-words = Advisories are sent to the addresses of the profile again. What was not sent meanwhile is not sent now.
member-mail-is-distrusted = Possibly compromised mail: the member gets none since
member-enrol-another = Enrol another sensor
member-bad-line = Write one line of 1 to { $most } characters.
member-bad-email = "{ $what }" is no e-mail address. Write name@domain.no.
member-bad-telephone = That is no telephone number. Write eight digits (22 00 00 00), a short number (02497) or + and the country (+46 8 123 456).
member-bad-domain = "{ $what }" cannot be a domain of the member's own. Write for example gjovik.kommune.no.
member-bad-network = "{ $what }" is no network. Write for example 192.0.2.0/24 or 2001:db8::/32.
member-bad-host-bits = { $what } is an address within a network. Write { $right }.
member-bad-not-public = { $what } is no network of the member's own on the internet: only networks that are seen from outside belong here.
member-bad-many = A member has at most { $domains } domains and { $networks } networks here.
bad-reason = Write a reason on one line.
reason = Reason
saved = The change is saved.
sensors-silent = silent or deaf
sensors-waiting = waiting for approval
sensors-behind = behind: not the newest list
sensors-ends-soon = certificate or token ends soon
sensors-shown = Showing { $count } of { $total } sensors
sensors-all = All sensors
sensors-q = Member, number or sensor
sensors-which = Show
sensors-versions = Versions in use
sensors-pilot = Pilot group
sensors-others = All others
sensors-pilot-one = pilot
sensors-ends = ends
sensors-wait-title = Waiting for approval
sensors-wait-words = Ring the member and have them read the eight words they see. Approve only when all eight are the same.
sensors-waits-since = Has waited since
sensors-same-words = They read out the same eight words
sensors-approve = Approve
sensors-refuse = Refuse
sensors-revoke = Shut out
sensors-not-compared = Not approved: tick that they read out the same eight words.
sensors-waits-not = The sensor does not wait any more. Somebody else may have answered.
sensors-new = Enrol a new sensor
sensors-new-words = You get a one-time token for the member. It works once, for 72 hours.
sensors-new-number = The member's number
sensors-new-go = Make the token
sensors-no-member = There is no member with that number. Write for example 3407.
sensors-no-address = No token was made: the collector does not know which address sensors dial. Set it with varde-collector init --address.
token-title = Token for a new sensor
token-for = For
token-once = The token is shown now and never again. If it is lost, make another.
token-secret = The token
token-until = It works once, until
token-hand-over = It is secret: hand it over in person or by an encrypted message.
token-how = On the sensor
token-package = Put the package on the machine:
token-line = Run this line. The token is not in it, so nobody else on the machine sees it.
token-paste = Paste the token when the program waits, and press Enter and Ctrl-D.
token-words = The program shows eight words for this collector. They must be:
token-dials = The sensor dials { $quic } and { $enroll }, both over UDP.
token-back = To the sensors
revoke-words = The session ends at once and the sensor stays out. If the member is to have a sensor afterwards it must be enrolled with a new token.
revoke-sure = Yes, shut out the sensor of { $sensor }
revoke-not-sure = Not done: tick that the sensor is to be shut out.
revoke-before = The sensor is shut out already.
revoke-not = Cancel
audit-title = Audit
audit-looking = The audit is being held against itself.
audit-again = Load the page again
audit-is-whole = The audit is whole.
audit-whole = { $entries } entries, from no. { $first } to no. { $last }, hold together. { $since } were written since.
audit-looked = Looked at
audit-keep = A head to keep elsewhere
audit-keep-words = Who can write the database can write the audit anew. Only a head that is kept elsewhere shows it. Write it in the log of the watch every Monday, for example.
audit-broken = THE AUDIT IS NOT WHOLE, seen
audit-broken-next = Keep the database as it is, and compare it with the newest backup:
audit-list = What was done
audit-none = Nothing was done yet.
audit-what = What or on whom
audit-on = On whom or what
audit-change = Before and after
audit-all = all that is kept
audit-now = now
audit-shown = Showing the newest { $count } of { $total } entries
audit-shown-of-fit = Showing { $count } of { $fit } entries that fit, of { $total } in all
own-recovers = You came in by a one-time link. You may choose a new password without the old one, once, while this session lasts. If you have lost the second factor too, change it afterwards.
nav-users = Users
users-title = Users
users-q = Name or member number
users-shown = Showing { $count } of { $total } accounts
users-seen = Last in
users-invite = Invite
users-invite-words = You get a link that works once, for 72 hours. Whoever opens it chooses password and second factor.
users-invite-go = Make the invitation
users-name-hint = Small letters, for example
users-role-hint = Analyst, publisher, administrator and auditor are at the CSIRT. IT and management are at a member and see their own alone.
users-member-hint = For IT and management alone.
users-bad-role = Choose a role.
users-needs-member = The role is at a member. Write the member's number.
users-needs-no-member = The role is at the CSIRT. Leave the member's number empty.
users-name-taken = There is an account of that name. Open it to make a new invitation.
users-too-many = There is no room for more accounts.
users-back = To the users
user-active = in use
user-invited = invited, not in use yet
user-no-factor = lacks a second factor
user-stopped = stopped
user-factor = chosen; { $shown } of 10 recovery codes left
user-at-provider = signs in at the provider
user-factor-provider = at the provider
user-factor-none = not chosen
user-added = Added
user-role = The account's role
user-role-go = Change the role
user-ends-sessions = Open sessions end at once.
user-way-in = Way in
user-link = Make a link that signs in
user-link-words = If the owner has lost the password or the second factor: a link that signs in once, within the hour. There the owner may choose a new password without the old one.
user-reset = Reset and invite anew
user-reset-words = If somebody may have got hold of password or telephone: both are deleted, open sessions end at once, and the owner chooses anew by an invitation.
user-stop = Stop the account
user-stop-words = If the owner is to come in no more: open sessions and links end at once. The account can be opened again.
user-start = Open the account again
user-start-words = The account is stopped. Its owner can come in again with the password and second factor of before.
user-no-session = No session is open.
user-end-sessions = End all sessions
user-same = Nothing was changed: it is so already, or the account is stopped.
user-last = Not done: this is the last administrator that can come in. Give another the role first.
user-link-title = Link
user-link-invites = The link invites { $name }: whoever opens it chooses password and second factor.
user-link-signs-in = The link signs { $name } in, without password and second factor.
user-link-once = The link is shown now and never again. If it is lost, make another; this one is good no longer then.
user-link-send = Send it by another way than e-mail if the mailbox may be read by others.
# The front pages of a member's IT and management
home-reload = Load the page again to see whether anything has changed.
home-in-doubt = In doubt? Call
home-now = Do this now
home-nothing = Nothing is waiting for you.
home-do = What you do, in this order
home-others = At least { $shown } others are hit by the same.
home-more-incidents = { $n ->
    [1] And 1 more incident
   *[other] And { $shown } more incidents
}
home-unread = Advisories you have not confirmed as read
home-no-sensor = You have no sensor that is connected. Ask the response team for a token.
home-contacts = Whom we call at your place
home-contacts-words = When something is urgent the response team calls these, at night too.
home-contacts-none = We do not know whom to call at your place.
home-contacts-doubt = Look over whom we call at your place, and confirm that it is right
home-contacts-button = All of it is right today
home-contacts-wrong = Is something missing or wrong? Correct it yourselves
home-profile = All we have about you
home-lists = What the sensor looks for
home-leaves-all = All that can be sent out, in { $shown } points
leaves-title = What leaves the house
leaves-yourself = See for yourself at the sensor, with real examples:
light-calm = Nothing is found
light-calm-means = The sensors see the traffic, and no incident is open. Of what they cannot see this says nothing.
light-blind = We do not know
light-blind-means = No incident is open, but not all sensors see the traffic now. Something may have happened unseen.
light-seen = Perhaps
light-seen-means = Something was seen that may be an attempt. No contact with the attacker was seen.
light-contained = Yes, but it is stopped
light-contained-means = Something was in contact with the attacker. It is stopped, and is being cleaned up.
light-hit = Yes
light-hit-means = At least one machine was in contact with something known to be harmful, or somebody has confirmed that it is serious.
remedy-deaf = No traffic reaches the sensor. Check the mirror port and the cable, and that the right interface stands in agent.toml. Run varde-agent doctor.
remedy-silent = Check that the machine is on, that it reaches the network, and that the service varde-agent runs. Run varde-agent doctor.
remedy-never-came = The sensor is enrolled and was never heard. Start the service varde-agent, and run varde-agent doctor.
remedy-approval = Call the response team and read the words to them. They approve the sensor.
remedy-token = The token has not been used yet. Run varde-agent enroll on the machine.
remedy-token-expired = The token ran out unused. Ask the response team for a new one.
remedy-quarantined = Two machines use the same identity. Switch the copy off, and call the response team.
remedy-revoked = The sensor is shut out. Call the response team if that is not meant.
leadership-hit = Are we hit?
leadership-doing = What are we doing?
leadership-ring = Whom do we call?
leadership-nothing = Nothing needs doing now.
leadership-nothing-said = No measures have been reported yet. Ask whom you call first, see below.
leadership-unread = { $n ->
    [1] 1 advisory is not confirmed as read at our place
   *[other] { $shown } advisories are not confirmed as read at our place
}
leadership-out-of-hours = out of hours
leadership-ring-none = No telephone numbers are registered for us. Ask your IT to enter them here in Varde.
leadership-ring-operator = The response team,
leadership-operator-unknown = The response team's number does not stand here. Use the one you have been given by
# On from pages of others
onward-title = One moment
onward-words = This page goes on by itself. If it does not, use the link.
onward-link = Go on
advisory-mail-hung = { $member }: was on its way { $at }, and nobody knows whether it arrived. Call, or send it again.
# Writing an advisory
write-title = Write an advisory
write-change = Change the draft
write-about = It is about
write-words = It is a draft until you have looked it over and sent it. Nobody gets anything before that.
write-problems = Nothing is kept yet. Put this right:
write-heading = Heading
write-text = Text
write-markup = Plain text. # and ## begin headings, - points, 1. steps, and an empty line parts paragraphs. Links and HTML stay text.
write-tlp = How far may it be shared?
write-tlp-clear = freely
write-tlp-green = in the sector
write-tlp-amber = in one's own organisation, and with those who need to know
write-tlp-strict = in one's own organisation alone
write-tlp-red = whoever reads it alone
write-to = Who is to have it?
write-to-campaign = The members of the campaign, as they are when it is sent
write-to-all = All members
write-to-chosen = These:
write-numbers = Numbers of members
write-numbers-words = With spaces or commas between. Used where "These" is chosen.
write-measures = What they should do
write-measures-words = Measures of the bank. Those proposed follow from how far it came. If you choose others they are for all who get the advisory.
write-proposed = proposed
write-button = Keep and look over
write-wrong-title = { $language }: the heading is missing, longer than { $most } bytes or on several lines.
write-wrong-no-text = { $language }: the text is missing. Write what members must know and do, or empty the heading.
write-wrong-text = { $language }: the text is longer than { $most } bytes or has control characters in it. Shorten it, and paste it as plain text.
write-wrong-nothing = There is no text in bokmål or nynorsk. Write one of them.
write-wrong-tlp = Choose how far it may be shared.
write-wrong-nobody = Choose who is to have it, for example 3407 0301.
write-wrong-member = { $number } is no member's number. Write four digits, for example 3407.
write-wrong-campaign = The advisory is about no campaign. Choose members, or all.
write-wrong-measures = Choose at most { $most } measures of the bank.
write-wrong-changed = Somebody has changed the draft since you opened it. What you wrote stands here and is not kept yet. Look at the draft as it is now; if you save afterwards, what stands here holds.
write-as-it-is = Look at the draft as it is now
written-title = Look the draft over
draft-reach = Who gets it
draft-members = { $n ->
    [0] No members get it.
    [1] 1 member gets it.
   *[other] { $shown } members get it.
}
draft-mails = { $mail } of { $of } get mail that it has come. It says nothing of what it is about.
draft-no-mail = Nobody gets mail: there is no mail_server in collector.toml.
draft-who = Show the members
draft-calls = { $n ->
    [1] 1 member gets no mail, and must be called
   *[other] { $shown } members get no mail, and must be called
}
draft-nobody = It goes to nobody. Choose who is to have it.
draft-send = Send it
draft-send-words = What was sent is never changed. If something is wrong it can be corrected by a new version, or withdrawn.
draft-seen = I have read it as members get it
draft-unread = Tick that you have read it. Nothing is sent yet.
draft-unsent-changed = Somebody has changed the draft since it was shown, so nothing is sent. Read it again below, and send it then.
draft-send-button = { $n ->
    [1] Send to 1 member
   *[other] Send to { $shown } members
}
draft-change = Change
draft-drop = Throw the draft away
draft-preview = As members read it
draft-by-member = The measures were proposed for the campaign. Each member gets those first that fit how far it came there.
advisory-to-draft = Look over and send
advisory-mail-again = Send the mail again to those it did not reach

# People and formats, as pages of intelligence name them
draft-format-csv = table (CSV)
draft-format-plain = list, one a line
draft-format-prose = text or e-mail
intel-account = { $name } (account)

PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE setting (
    key   TEXT PRIMARY KEY,   -- operator_name, address, …
    value TEXT NOT NULL
);
INSERT INTO setting VALUES('operator_name','Prøve-CSIRT');
INSERT INTO setting VALUES('address','127.0.0.1:28592');
INSERT INTO setting VALUES('list_key_mode','online');
CREATE TABLE member (
    id       INTEGER PRIMARY KEY,
    number   TEXT    NOT NULL UNIQUE,   -- kommunenummer and the like, with its leading zero
    name     TEXT    NOT NULL,
    added_at BIGINT  NOT NULL
);
INSERT INTO member VALUES(1,'3407','Gjøvik',1795995451735868);
INSERT INTO member VALUES(2,'0301','Oslo',1795995451744784);
CREATE TABLE sensor (
    id                  INTEGER PRIMARY KEY,
    member_id           BIGINT NOT NULL REFERENCES member (id),
    token_created_at    BIGINT NOT NULL,
    token_expires_at    BIGINT NOT NULL,
    token_secret_sha256 BLOB   NOT NULL,
    enrolled_at         BIGINT,            -- set once, in the statement that consumes the token
    spki_sha256         BLOB,              -- SHA-256 of the public key (SubjectPublicKeyInfo, DER): its identity at handshake
    revoked_at          BIGINT,
    agent_version       TEXT,
    epoch               TEXT,              -- spool lifetime last seen, 32 hex digits
    committed_seq       BIGINT NOT NULL DEFAULT 0,   -- in that epoch
    revision            BIGINT NOT NULL DEFAULT 0,   -- list in force
    revision_since      BIGINT,
    refused_revision_at BIGINT,            -- last refusal of a list
    refused_why         TEXT,
    last_connected_at   BIGINT,
    last_seen_at        BIGINT,            -- last heartbeat or batch
    connected           BIGINT NOT NULL DEFAULT 0,   -- 1 while a session stands; all 0 at start
    heartbeat           TEXT               -- the newest heartbeat as JSON
, protocol BIGINT, replayed BIGINT NOT NULL DEFAULT 0, passed_over BIGINT NOT NULL DEFAULT 0, set_back_at BIGINT, quarantined_at BIGINT, renew_epoch BIGINT NOT NULL DEFAULT 0, carrier TEXT, certificate_until BIGINT, spki_next_sha256 BLOB, certificate_next_until BIGINT, spki_before_sha256 BLOB, renewed_at BIGINT, renewals_from BIGINT, renewals BIGINT NOT NULL DEFAULT 0, renewal_refused_at BIGINT, renewal_refused_why TEXT, pending_at BIGINT, pending_spki_sha256 BLOB, approved_at BIGINT, replaces BIGINT, root_version BIGINT, root_refused_at BIGINT, root_refused_why TEXT, freshness TEXT, newest_told_at BIGINT, newest_refused_at BIGINT, newest_refused_why TEXT);
INSERT INTO sensor VALUES(1,1,1795995451803472,1796254651803472,X'd239d29749d1ad93be6e3ca33aa2ee52d4156cef05b42681b5784a8cf32d74d4',1795995451932316,X'1a30f3ba7e39d800c416eced1ccae61e0aa5d677b2dafbdd905897b47a5860ad',NULL,'0.1.0','3389a635b84b5b55f6eedea601654bc2',4,1,1795995452666351,NULL,NULL,1795995452635463,1795995452694095,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T23:37:32.650848Z","clock_offset_us":195,"cpu_ms":20,"disk_free_octets":14406639616,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":19144704,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,0,0,NULL,NULL,1,'tcp',1798587451000000,X'0000000000000000000000000000000000000000000000000000000000000000',1798587451000001,NULL,1795995452694095,1795995452694095,1,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,'fresh',NULL,NULL,NULL);
INSERT INTO sensor VALUES(2,2,1795995452835637,1796254652835637,X'50028fd6285fcd34ed9971399ed1c1e16324bfe8347973b6bc593633139f3046',1795995452954888,X'48359b7903da6ae9900a7191975d3057354d270394ce0e3e2f37184f489a3120',NULL,'0.1.0','62ffd01fd75c39f6fd7dbf60a1435403',4,1,1795995453397449,NULL,NULL,1795995453342844,1795995453424414,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T23:37:33.367520Z","clock_offset_us":438,"cpu_ms":40,"disk_free_octets":14401482752,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":19099648,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,3,2,1795995453424414,1795995453424414,0,'quic',1798587452000000,NULL,NULL,NULL,NULL,NULL,0,1795995453424414,'toolate',NULL,NULL,NULL,NULL,1,1795995453424414,'unsigned','behind',NULL,1795995453424414,'older');
CREATE TABLE site (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    site      BIGINT NOT NULL,
    member_id BIGINT NOT NULL REFERENCES member (id),
    PRIMARY KEY (sensor_id, site)
);
INSERT INTO site VALUES(1,0,1);
INSERT INTO site VALUES(2,0,2);
CREATE TABLE heartbeat (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    at        BIGINT NOT NULL,
    body      TEXT   NOT NULL,             -- JSON
    PRIMARY KEY (sensor_id, at)
);
INSERT INTO heartbeat VALUES(1,1795995452652866,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T23:37:32.650848Z","clock_offset_us":195,"cpu_ms":20,"disk_free_octets":14406639616,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":19144704,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
INSERT INTO heartbeat VALUES(2,1795995453370451,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T23:37:33.367520Z","clock_offset_us":438,"cpu_ms":40,"disk_free_octets":14401482752,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":19099648,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
CREATE TABLE indicator (
    id           INTEGER PRIMARY KEY,
    pattern      TEXT    NOT NULL UNIQUE,  -- as plain lists write it, canonical: `=` in front of an exact host
    kind         TEXT    NOT NULL,
    source       TEXT    NOT NULL,         -- file name or what import --source says
    threat       TEXT,                     -- what it belongs to, if named
    confidence   BIGINT  NOT NULL,         -- 0-100
    severity     BIGINT  NOT NULL,         -- 0 info … 4 critical
    tlp          TEXT    NOT NULL,
    valid_from   BIGINT,
    valid_until  BIGINT,
    exercise     BIGINT  NOT NULL DEFAULT 0,
    received_at  BIGINT  NOT NULL,
    published_at BIGINT,                   -- first publication
    published_in BIGINT                    -- its revision
);
INSERT INTO indicator VALUES(1,'vond.example','domain','import.txt',NULL,50,2,'TLP:AMBER',NULL,NULL,0,1795995451766573,1795995451780774,1);
CREATE TABLE list_revision (
    revision     INTEGER PRIMARY KEY,
    manifest     BLOB    NOT NULL,         -- signed JSON, as sent
    base         BLOB    NOT NULL,
    count        BIGINT  NOT NULL,
    published_at BIGINT  NOT NULL
);
INSERT INTO list_revision VALUES(1,X'7b227369676e6564223a7b226368616e6e656c223a22616c6c222c227265766973696f6e223a312c2263726561746564223a22323032362d31312d32395432333a33373a33312e3738303737345a222c2265787069726573223a22323032362d31322d32395432333a33373a33312e3738303737345a222c22636f756e74223a312c22626173655f6f6374657473223a3532362c22626173655f626c616b6533223a2263643739316133663262386665636265343537363463653635346162343032323736356335336533323533393036666164643330636136623037643966353130222c22636f6e74656e745f626c616b6533223a2234666136616637346638626561636265656331613464396462386232623531633436336630643830366432636133646233313635393334396530646664653237222c226d696e696d756d5f6167656e74223a22302e312e30227d2c227369676e617475726573223a5b7b226b6579223a223936343938356631626134346463643261626532336164663365613931373365222c227369676e6174757265223a226133646530326466393264386233626633356562343431663964323737346638336630646639373234643233366265396530366437386539363636353438616637373430633162643034653434663839363732636566363964396361376466616638366336656463346332333936626161303532336463336333313965623064227d5d7d',X'564152444542413101000000400100000e020000000000000100000000000000f69d39fb6be539a944428f9a9f7963ff00000000000000000000000000000000000000000000000000000000000000000100000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000400100000000000040000000000000008001000000000000000000000000000080010000000000000800000000000000c001000000000000180000000000000000020000000000000e00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000080000000000200000000100000000000000000000000000000000000000000000000000000000080000000000000000000040000000000000000000000000000e0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000320202000000000000000000000000000000000000000000000000000000000000000000000000000000000000000d04766f6e64076578616d706c65',1,1795995451780774);
CREATE TABLE in_force (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    revision  BIGINT NOT NULL,
    since     BIGINT NOT NULL,             -- the sensor's clock
    heard_at  BIGINT NOT NULL,             -- ours
    PRIMARY KEY (sensor_id, revision)
);
INSERT INTO in_force VALUES(1,1,1795995452666351,1795995452667576);
INSERT INTO in_force VALUES(2,1,1795995453397449,1795995453400634);
CREATE TABLE record (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    octets      BLOB   NOT NULL,           -- as the spool held it
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO record VALUES(1,'3389a635b84b5b55f6eedea601654bc2',1,1795995452652264,X'fd2618f08de5c20c00030005302e312e30');
INSERT INTO record VALUES(1,'3389a635b84b5b55f6eedea601654bc2',2,1795995452668338,X'fdd2e6f28de5c20c0003010101');
INSERT INTO record VALUES(1,'3389a635b84b5b55f6eedea601654bc2',3,1795995452690859,X'fdfe0af38de5c20c000000010102000001fdaf12e4c91466da7d0001010100020000000000013511fdb2b0ee8de5c20c00fdd2b3ee8de5c20c0001');
INSERT INTO record VALUES(1,'3389a635b84b5b55f6eedea601654bc2',4,1795995452690859,X'fd060cf38de5c20c00010300fdb2b0ee8de5c20c00fdd2b3ee8de5c20c0002000000000135110001');
INSERT INTO record VALUES(2,'62ffd01fd75c39f6fd7dbf60a1435403',1,1795995453370316,X'fde668048ee5c20c00030005302e312e30');
INSERT INTO record VALUES(2,'62ffd01fd75c39f6fd7dbf60a1435403',2,1795995453409784,X'fd5634098ee5c20c0003010101');
INSERT INTO record VALUES(2,'62ffd01fd75c39f6fd7dbf60a1435403',3,1795995453409784,X'fda44a098ee5c20c000000010102000001fd4237389cb19377a90001010100020000000000013511fd02d7018ee5c20c00fd22da018ee5c20c0001');
INSERT INTO record VALUES(2,'62ffd01fd75c39f6fd7dbf60a1435403',4,1795995453409784,X'fd0c4b098ee5c20c00010300fd02d7018ee5c20c00fd22da018ee5c20c0002000000000135110001');
CREATE TABLE campaign (
    id         INTEGER PRIMARY KEY,
    uuid       TEXT   NOT NULL UNIQUE,
    link_kind  TEXT   NOT NULL,            -- 'indicator' or 'threat': what its incidents share
    link_value TEXT   NOT NULL,            -- indicator id, or the threat's name
    title      TEXT   NOT NULL,
    exercise   BIGINT NOT NULL DEFAULT 0,
    opened_at  BIGINT NOT NULL,            -- when it was concluded
    first_seen BIGINT NOT NULL,            -- earliest sighting
    last_seen  BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
INSERT INTO campaign VALUES(1,'fbbfa149-2aaf-5353-a31b-9b7198bf5c49','indicator','1','vond.example',0,1795995453409784,1795995452528729,1795995453156625,1795995453409784);
CREATE TABLE incident (
    id          INTEGER PRIMARY KEY,
    uuid        TEXT   NOT NULL UNIQUE,
    member_id   BIGINT NOT NULL REFERENCES member (id),
    link_kind   TEXT   NOT NULL,
    link_value  TEXT   NOT NULL,
    title       TEXT   NOT NULL,
    exercise    BIGINT NOT NULL DEFAULT 0,
    campaign_id BIGINT REFERENCES campaign (id),
    opened_at   BIGINT NOT NULL,
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
INSERT INTO incident VALUES(1,'adfc0506-8d67-551d-becb-499589c3e060',1,'indicator','1','vond.example',0,1,1795995452690859,1795995452528729,1795995452529129,1795995452690859);
INSERT INTO incident VALUES(2,'c14cd378-2d16-57e1-8809-a8071e36fe5f',2,'indicator','1','vond.example',0,1,1795995453409784,1795995453156225,1795995453156625,1795995453409784);
CREATE TABLE alert (
    id                 INTEGER PRIMARY KEY,
    uuid               TEXT   NOT NULL UNIQUE,
    sensor_id          BIGINT NOT NULL REFERENCES sensor (id),
    epoch              TEXT   NOT NULL,
    seq                BIGINT NOT NULL,    -- of the record that opened it
    member_id          BIGINT NOT NULL REFERENCES member (id),
    site               BIGINT NOT NULL,
    indicator_id       BIGINT NOT NULL REFERENCES indicator (id),
    revision           BIGINT NOT NULL,
    client             TEXT,               -- pseudonym, H-…; null = no host
    zone               BIGINT NOT NULL,
    zone_levels        TEXT   NOT NULL,    -- K, I, T as three digits 0-2
    direction          TEXT   NOT NULL,
    evidence           BIGINT NOT NULL,    -- 0 blocked … 5 data_out
    by_resolver        BIGINT NOT NULL,
    looked_up_by_other BIGINT NOT NULL,
    possible_contact   BIGINT NOT NULL,
    labels_left        BIGINT NOT NULL,
    server             TEXT,
    port               BIGINT,
    protocol           BIGINT NOT NULL,
    severity           BIGINT NOT NULL,
    exercise           BIGINT NOT NULL,
    retro              BIGINT NOT NULL,
    first_seen         BIGINT NOT NULL,
    last_seen          BIGINT NOT NULL,
    count              BIGINT NOT NULL,
    regularity         TEXT,               -- JSON {contacts, median_interval_ms, spread_ms}
    arrived_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    closed             BIGINT NOT NULL DEFAULT 0,
    incident_id        BIGINT REFERENCES incident (id), hosts BIGINT,
    UNIQUE (sensor_id, epoch, seq)
);
INSERT INTO alert VALUES(1,'eae0b5d1-881e-5729-a051-91694e483e37',1,'3389a635b84b5b55f6eedea601654bc2',3,1,0,1,1,'H-7VPK62K4Y84NF',0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795995452528729,1795995452529129,1,NULL,1795995452690859,1795995452690859,1,1,NULL);
INSERT INTO alert VALUES(2,'7be7f3c8-87ad-5998-92c6-4955379a3345',2,'62ffd01fd75c39f6fd7dbf60a1435403',3,2,0,1,1,NULL,0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795995453156225,1795995453156625,1,NULL,1795995453409784,1795995453409784,1,2,3000);
CREATE TABLE sensor_event (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT   NOT NULL,           -- JSON
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO sensor_event VALUES(1,'3389a635b84b5b55f6eedea601654bc2',1,1795995452574739,1795995452652264,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(1,'3389a635b84b5b55f6eedea601654bc2',2,1795995452666729,1795995452668338,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'62ffd01fd75c39f6fd7dbf60a1435403',1,1795995453240435,1795995453370316,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(2,'62ffd01fd75c39f6fd7dbf60a1435403',2,1795995453397547,1795995453409784,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'62ffd01fd75c39f6fd7dbf60a1435403',0,1795995453424414,1795995453424414,'{"event":"two_live","greeted_at":null}');
CREATE TABLE merged (
    kind      TEXT   NOT NULL,             -- 'incident' or 'campaign'
    id        BIGINT NOT NULL,
    uuid      TEXT   NOT NULL UNIQUE,
    into_id   BIGINT NOT NULL,             -- the one that goes on
    opened_at BIGINT NOT NULL,
    merged_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE TABLE sensor_mark (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    number    BIGINT NOT NULL,             -- 1, 2, 3 …
    mark      TEXT   NOT NULL,             -- 32 hex digits
    follows   BIGINT,                      -- number of the mark the sensor said when it was given this one
    given_at  BIGINT NOT NULL,
    PRIMARY KEY (sensor_id, number)
);
INSERT INTO sensor_mark VALUES(1,1,'ccc0231cf2843aa2d04efd8fc104ad34',NULL,1795995452635463);
INSERT INTO sensor_mark VALUES(2,1,'9376618cb04f871855749209878809b8',NULL,1795995453342844);
CREATE TABLE root_document (
    version  INTEGER PRIMARY KEY,
    document BLOB    NOT NULL,
    expires  BIGINT  NOT NULL,
    kept_at  BIGINT  NOT NULL
);
INSERT INTO root_document VALUES(1,X'7b227369676e6564223a7b2276657273696f6e223a312c2265787069726573223a22323032372d31312d32395432333a33373a33312e3532313939355a222c226b657973223a7b223162636535666635386232306362313736323838663635373663373532336464223a2263666234636565376265346361333436393662323338396162653934336337343564376461356465313130616465356637343136646135336333376261623464222c223762633636363735656134303965626633303932336330386265643839313465223a2263326463613561653363393433356437376433646562393033663836666566663832653733353933396234343438613665626264383639323565383438616666222c223934353964363162656431653737326362663839306433383331336330353466223a2239393434663532646539623937313535353032636536393530323138363238616261663139633561626131623739376336663833343466656437373137343033222c223936343938356631626134346463643261626532336164663365613931373365223a2234653264636630343733343866323762633535333634623836336166653363663430633166356263376265316330306436366236653637666536616464356137222c226537623336633935653236613534373664373139323866306430336362356432223a2230316437626433373464313938613331353361366162383263323964393933373563396661366566363266653832396532303730646534313861613635626364227d2c22726f6c6573223a7b22726f6f74223a7b226b657973223a5b223762633636363735656134303965626633303932336330386265643839313465225d2c227468726573686f6c64223a317d2c226c697374223a7b226b657973223a5b223936343938356631626134346463643261626532336164663365613931373365225d2c227468726573686f6c64223a317d2c2274696d657374616d70223a7b226b657973223a5b223162636535666635386232306362313736323838663635373663373532336464225d2c227468726573686f6c64223a317d2c2268756e74223a7b226b657973223a5b226537623336633935653236613534373664373139323866306430336362356432225d2c227468726573686f6c64223a317d2c226272616b65223a7b226b657973223a5b223934353964363162656431653737326362663839306433383331336330353466225d2c227468726573686f6c64223a317d7d2c226361223a5b2234303861303263326566643164663938656138383336653365623131353237333166336465663465313638663733666264366137653761623235353533666465225d7d2c227369676e617475726573223a5b7b226b6579223a223762633636363735656134303965626633303932336330386265643839313465222c227369676e6174757265223a226362656432666439666130643332393231393034343265393138653134323637323062613664643239333666376666343766636661636166663634626538363232353830343063306330383063306539363564373034313932613031313439353738663833616539653062643538313037623235343263326230666230613066227d5d7d',1827531451521995,1795995451646159);
CREATE TABLE pending_list (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    revision    BIGINT NOT NULL,
    manifest    BLOB   NOT NULL,         -- signed JSON without signatures
    base        BLOB   NOT NULL,
    up_to_id    BIGINT NOT NULL,         -- indicators up to this number are in it
    count       BIGINT NOT NULL,
    added       BIGINT NOT NULL,         -- beside the list in force
    removed     BIGINT NOT NULL,
    prepared_at BIGINT NOT NULL
);
INSERT INTO pending_list VALUES(1,2,X'7b7d',X'00',1,1,0,0,1795000000000000);
CREATE TABLE brake_order (
    number   INTEGER PRIMARY KEY,
    document BLOB    NOT NULL,
    given_at BIGINT  NOT NULL
);
INSERT INTO brake_order VALUES(7,X'7b7d',1795000000000000);
CREATE TABLE brake (
    id           INTEGER PRIMARY KEY,
    indicator_id BIGINT  NOT NULL REFERENCES indicator (id),
    exercise     INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    since        BIGINT  NOT NULL,
    until        BIGINT  NOT NULL,
    from_order   BIGINT  NOT NULL,   -- counts by this order and later ones are its own ...
    last_order   BIGINT,             -- ... up to this one; none = it was neither released nor ordered anew
    ended_at     BIGINT              -- when that was
);
INSERT INTO brake VALUES(1,1,0,'falsk',1795000000000000,1795003600000000,7,NULL,NULL);
CREATE TABLE sensor_brake (
    sensor_id   BIGINT PRIMARY KEY REFERENCES sensor (id),
    number      BIGINT NOT NULL,     -- the newest it has taken; 0 = none
    taken_at    BIGINT,              -- by its clock
    refused_at  BIGINT,              -- when it last refused one; none since it took one
    refused_why TEXT
);
INSERT INTO sensor_brake VALUES(1,7,1795000000000000,NULL,NULL);
INSERT INTO sensor_brake VALUES(2,0,NULL,1795000000000000,'unsigned');
CREATE TABLE braked_count (
    sensor_id    BIGINT  NOT NULL REFERENCES sensor (id),
    site         INTEGER NOT NULL,
    member_id    BIGINT  NOT NULL REFERENCES member (id),
    indicator_id BIGINT  NOT NULL REFERENCES indicator (id),
    exercise     INTEGER NOT NULL,
    direction    TEXT    NOT NULL,
    brake_order  BIGINT  NOT NULL,
    evidence     INTEGER NOT NULL,   -- 0 blocked ... 5 data_out: the furthest
    count        BIGINT  NOT NULL,
    hosts        BIGINT  NOT NULL,   -- about, the most that were told
    first_seen   BIGINT  NOT NULL,
    last_seen    BIGINT  NOT NULL,
    arrived_at   BIGINT  NOT NULL,   -- the last
    PRIMARY KEY (sensor_id, brake_order, indicator_id, exercise, site, direction)
);
INSERT INTO braked_count VALUES(1,0,1,1,0,'outbound',7,2,300,20,1795000000000000,1795000000000001,1795000000000002);
CREATE INDEX incident_by_topic ON incident (member_id, link_kind, link_value);
CREATE INDEX incident_alone ON incident (link_kind, link_value) WHERE campaign_id IS NULL;
CREATE INDEX incident_by_member ON incident (member_id, last_seen);
CREATE INDEX incident_by_campaign ON incident (campaign_id);
CREATE INDEX alert_by_incident ON alert (incident_id);
CREATE INDEX alert_by_member ON alert (member_id, last_seen);
CREATE INDEX alert_by_indicator ON alert (indicator_id, member_id);
CREATE INDEX merged_by_into ON merged (kind, into_id);
CREATE INDEX campaign_by_link ON campaign (link_kind, link_value);
CREATE INDEX indicator_by_threat ON indicator (threat);
CREATE INDEX alert_without_host ON alert (indicator_id, member_id, last_seen) WHERE client IS NULL;
CREATE INDEX sensor_by_key ON sensor (spki_sha256);
CREATE INDEX sensor_by_next_key ON sensor (spki_next_sha256);
CREATE INDEX brake_by_indicator ON brake (indicator_id, exercise);
CREATE INDEX braked_count_by_indicator ON braked_count (indicator_id, exercise, brake_order);
COMMIT;

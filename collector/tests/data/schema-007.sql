PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE setting (
    key   TEXT PRIMARY KEY,   -- operator_name, address, …
    value TEXT NOT NULL
);
INSERT INTO setting VALUES('operator_name','Prøve-CSIRT');
INSERT INTO setting VALUES('address','127.0.0.1:30158');
INSERT INTO setting VALUES('list_key_mode','online');
CREATE TABLE member (
    id       INTEGER PRIMARY KEY,
    number   TEXT    NOT NULL UNIQUE,   -- kommunenummer and the like, with its leading zero
    name     TEXT    NOT NULL,
    added_at BIGINT  NOT NULL
, language TEXT NOT NULL DEFAULT 'neutral', covered BIGINT, supplier TEXT);
INSERT INTO member VALUES(1,'3407','Gjøvik',1795994585340018,'nynorsk',1,'IKT Øst');
INSERT INTO member VALUES(2,'0301','Oslo',1795994585405260,'neutral',NULL,NULL);
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
INSERT INTO sensor VALUES(1,1,1795994585429164,1796253785429164,X'14e778b2c8a58da4e3c7db6b8c1fb1c4f284e688430aeff12d2df97411efe35b',1795994585752915,X'f6d80282462554a72e01c44770f8274e46609f8fd4de86cdbf8a9b11b670691e',NULL,'0.1.0','02135adeda5a2df0de0cd9ddebc4fe1b',4,1,1795994586518822,NULL,NULL,1795994586492551,1795994586566556,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T23:23:06.500513Z","clock_offset_us":1753,"cpu_ms":30,"disk_free_octets":17613180928,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18862080,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,0,0,NULL,NULL,1,'tcp',1798586585000000,X'0000000000000000000000000000000000000000000000000000000000000000',1798586585000001,NULL,1795994586566556,1795994586566556,1,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,'fresh',NULL,NULL,NULL);
INSERT INTO sensor VALUES(2,2,1795994586778612,1796253786778612,X'60c20f4de4368e94654fc11af35f827a28df20b5739dbb7c46cf75b360e3b2cf',1795994587066073,X'1e9b563c21c1304dc8d588130d695922e989452dc37e33e410a414b8a9bbec09',NULL,'0.1.0','d405653227aa6fbd1de5432b95e45e21',4,1,1795994587590802,NULL,NULL,1795994587473294,1795994587636242,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T23:23:07.499873Z","clock_offset_us":3117,"cpu_ms":30,"disk_free_octets":17597915136,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18337792,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,3,2,1795994587636242,1795994587636242,0,'quic',1798586587000000,NULL,NULL,NULL,NULL,NULL,0,1795994587636242,'toolate',NULL,NULL,NULL,NULL,1,1795994587636242,'unsigned','behind',NULL,1795994587636242,'older');
CREATE TABLE site (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    site      BIGINT NOT NULL,
    member_id BIGINT NOT NULL REFERENCES member (id), named BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (sensor_id, site)
);
INSERT INTO site VALUES(1,0,1,1);
INSERT INTO site VALUES(2,0,2,1);
INSERT INTO site VALUES(2,4,1,1);
CREATE TABLE heartbeat (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    at        BIGINT NOT NULL,
    body      TEXT   NOT NULL,             -- JSON
    PRIMARY KEY (sensor_id, at)
);
INSERT INTO heartbeat VALUES(1,1795994586501999,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T23:23:06.500513Z","clock_offset_us":1753,"cpu_ms":30,"disk_free_octets":17613180928,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18862080,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
INSERT INTO heartbeat VALUES(2,1795994587565387,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T23:23:07.499873Z","clock_offset_us":3117,"cpu_ms":30,"disk_free_octets":17597915136,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18337792,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
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
INSERT INTO indicator VALUES(1,'vond.example','domain','import.txt',NULL,50,2,'TLP:AMBER',NULL,NULL,0,1795994585411783,1795994585418617,1);
CREATE TABLE list_revision (
    revision     INTEGER PRIMARY KEY,
    manifest     BLOB    NOT NULL,         -- signed JSON, as sent
    base         BLOB    NOT NULL,
    count        BIGINT  NOT NULL,
    published_at BIGINT  NOT NULL
);
INSERT INTO list_revision VALUES(1,X'7b227369676e6564223a7b226368616e6e656c223a22616c6c222c227265766973696f6e223a312c2263726561746564223a22323032362d31312d32395432333a32333a30352e3431383631375a222c2265787069726573223a22323032362d31322d32395432333a32333a30352e3431383631375a222c22636f756e74223a312c22626173655f6f6374657473223a3532362c22626173655f626c616b6533223a2234366463663366346236303239316139353831303133373232363535393865363232653666323765303333653538346631623162623665356561336331346135222c22636f6e74656e745f626c616b6533223a2234666136616637346638626561636265656331613464396462386232623531633436336630643830366432636133646233313635393334396530646664653237222c226d696e696d756d5f6167656e74223a22302e312e30227d2c227369676e617475726573223a5b7b226b6579223a223137383539636233373638633431656462323866656162386166316239656333222c227369676e6174757265223a223934336333383934373135343761363230626361363131353438373462386539636530303232346535663161396531386562383261636666313165636461623765303963313763383262316230616535323631373033646132613734643330323765323730323131663634656239623135343139393734626664313838323034227d5d7d',X'564152444542413101000000400100000e0200000000000001000000000000000fc6b55e03b23ee4a2568c041744a66400000000000000000000000000000000000000000000000000000000000000000100000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000400100000000000040000000000000008001000000000000000000000000000080010000000000000800000000000000c001000000000000180000000000000000020000000000000e00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000010000002000000000000000000000100000000000000000000000800000000000000000000000000000000000000002000000000000000e0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000320202000000000000000000000000000000000000000000000000000000000000000000000000000000000000000d04766f6e64076578616d706c65',1,1795994585418617);
CREATE TABLE in_force (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    revision  BIGINT NOT NULL,
    since     BIGINT NOT NULL,             -- the sensor's clock
    heard_at  BIGINT NOT NULL,             -- ours
    PRIMARY KEY (sensor_id, revision)
);
INSERT INTO in_force VALUES(1,1,1795994586518822,1795994586520951);
INSERT INTO in_force VALUES(2,1,1795994587590802,1795994587610237);
CREATE TABLE record (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    octets      BLOB   NOT NULL,           -- as the spool held it
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO record VALUES(1,'02135adeda5a2df0de0cd9ddebc4fe1b',1,1795994586502249,X'fdf8d8ac26e5c20c00030005302e312e30');
INSERT INTO record VALUES(1,'02135adeda5a2df0de0cd9ddebc4fe1b',2,1795994586558735,X'fd5e63b226e5c20c0003010101');
INSERT INTO record VALUES(1,'02135adeda5a2df0de0cd9ddebc4fe1b',3,1795994586558735,X'fdc463b226e5c20c000000010102000001fda1b01b87088e3b100001010100020000000000013511fddc62aa26e5c20c00fdfc65aa26e5c20c0001');
INSERT INTO record VALUES(1,'02135adeda5a2df0de0cd9ddebc4fe1b',4,1795994586558735,X'fd5864b226e5c20c00010300fddc62aa26e5c20c00fdfc65aa26e5c20c0002000000000135110001');
INSERT INTO record VALUES(2,'d405653227aa6fbd1de5432b95e45e21',1,1795994587565217,X'fd9691c926e5c20c00030005302e312e30');
INSERT INTO record VALUES(2,'d405653227aa6fbd1de5432b95e45e21',2,1795994587614921,X'fd627ad326e5c20c0003010101');
INSERT INTO record VALUES(2,'d405653227aa6fbd1de5432b95e45e21',3,1795994587614921,X'fdb27ad326e5c20c000000010102000001fd99f67ad54fd05ce30001010100020000000000013511fdaa58c626e5c20c00fdca5bc626e5c20c0001');
INSERT INTO record VALUES(2,'d405653227aa6fbd1de5432b95e45e21',4,1795994587614921,X'fd427bd326e5c20c00010300fdaa58c626e5c20c00fdca5bc626e5c20c0002000000000135110001');
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
, departed BIGINT NOT NULL DEFAULT 0);
INSERT INTO campaign VALUES(1,'1522e662-335c-5209-8c8c-bda323342598','indicator','1','vond.example',0,1795994587614921,1795994586263918,1795994587180517,1795994587614921,0);
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
INSERT INTO incident VALUES(1,'3abd7968-2570-5d7c-9512-24dad2ccfe24',1,'indicator','1','vond.example',0,1,1795994586558735,1795994586263918,1795994586264318,1795994586558735);
INSERT INTO incident VALUES(2,'f6725e17-1799-5d97-845d-e0634f32e4a7',2,'indicator','1','vond.example',0,1,1795994587614921,1795994587180117,1795994587180517,1795994587614921);
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
INSERT INTO alert VALUES(1,'ba921e35-df57-50c1-b715-ddad81fe7593',1,'02135adeda5a2df0de0cd9ddebc4fe1b',3,1,0,1,1,'H-10EWE123HQC51',0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795994586263918,1795994586264318,1,NULL,1795994586558735,1795994586558735,1,1,NULL);
INSERT INTO alert VALUES(2,'31bd7128-1d36-580d-af2f-cfdf2f338c00',2,'d405653227aa6fbd1de5432b95e45e21',3,2,0,1,1,NULL,0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795994587180117,1795994587180517,1,NULL,1795994587614921,1795994587614921,1,2,3000);
CREATE TABLE sensor_event (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT   NOT NULL,           -- JSON
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO sensor_event VALUES(1,'02135adeda5a2df0de0cd9ddebc4fe1b',1,1795994586344572,1795994586502249,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(1,'02135adeda5a2df0de0cd9ddebc4fe1b',2,1795994586526127,1795994586558735,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'d405653227aa6fbd1de5432b95e45e21',1,1795994587285707,1795994587565217,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(2,'d405653227aa6fbd1de5432b95e45e21',2,1795994587610417,1795994587614921,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'d405653227aa6fbd1de5432b95e45e21',0,1795994587636242,1795994587636242,'{"event":"two_live","greeted_at":null}');
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
INSERT INTO sensor_mark VALUES(1,1,'42a8bd14aab3111bb11b87c8a2b90608',NULL,1795994586492551);
INSERT INTO sensor_mark VALUES(2,1,'3c81ba3026a0b6c443c3ec76e65ca00a',NULL,1795994587473294);
CREATE TABLE root_document (
    version  INTEGER PRIMARY KEY,
    document BLOB    NOT NULL,
    expires  BIGINT  NOT NULL,
    kept_at  BIGINT  NOT NULL
);
INSERT INTO root_document VALUES(1,X'7b227369676e6564223a7b2276657273696f6e223a312c2265787069726573223a22323032372d31312d32395432333a32333a30342e3837333139395a222c226b657973223a7b223034663164333439313438396665666131653536653937366661363163653530223a2230643438656239613031616432303465353534643633373565633864313630343330333739326130323937636333336330303466373435636233653431333763222c223137383539636233373638633431656462323866656162386166316239656333223a2232356262346431646431333537663933646336316664333631613564306164623264393330613036366261663537396636636335323730626165633235396234222c223466306532356232326461636661356466626333303831646336653436316336223a2231616239313436343364373866363730633362313638376331356565373962313932396335636463376336666361386430383234333365373239363764653130222c226362353933343830336439623537346661326332333761356163343264313433223a2261343863343437393330663336356238666461383137653366373638343635386163346538393438393730633632343336626332363437373431616264353538227d2c22726f6c6573223a7b22726f6f74223a7b226b657973223a5b223034663164333439313438396665666131653536653937366661363163653530225d2c227468726573686f6c64223a317d2c226c697374223a7b226b657973223a5b223137383539636233373638633431656462323866656162386166316239656333225d2c227468726573686f6c64223a317d2c2274696d657374616d70223a7b226b657973223a5b223466306532356232326461636661356466626333303831646336653436316336225d2c227468726573686f6c64223a317d2c2268756e74223a7b226b657973223a5b226362353933343830336439623537346661326332333761356163343264313433225d2c227468726573686f6c64223a317d7d2c226361223a5b2239373661653366373939336335306461326338646133333233346232643961613837663531626664313939623136613064626431306562376238663733613866225d7d2c227369676e617475726573223a5b7b226b6579223a223034663164333439313438396665666131653536653937366661363163653530222c227369676e6174757265223a223238383831663639316462643539373464346366396631303839653262633437633639623231656563306539303932363966323239633362336438643938393261306566643064663532303736343230383465366537626633353665636637356433633265643436323131306363353934383563333834306334636264313039227d5d7d',1827530584873199,1795994585186936);
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
CREATE TABLE former_number (
    number    TEXT   PRIMARY KEY,
    member_id BIGINT NOT NULL REFERENCES member (id),
    name      TEXT   NOT NULL,             -- what the member with this number was called
    until     BIGINT NOT NULL
);
INSERT INTO former_number VALUES('0502',1,'Gjøvik',1795994585340018);
CREATE TABLE joined_member (
    id        BIGINT NOT NULL,             -- its row in member; with added_at no other member ever was it
    added_at  BIGINT NOT NULL,
    into_id   BIGINT NOT NULL REFERENCES member (id),
    joined_at BIGINT NOT NULL,
    PRIMARY KEY (id, added_at)
);
CREATE TABLE member_contact (
    member_id    BIGINT NOT NULL REFERENCES member (id),
    role         TEXT   NOT NULL,          -- it, security, oncall, management or privacy
    name         TEXT   NOT NULL,
    telephone    TEXT,                     -- +4722000000, or a short number of three to six digits
    out_of_hours TEXT,
    email        TEXT,
    confirmed_at BIGINT,                   -- when somebody last found it to be right
    PRIMARY KEY (member_id, role)
);
INSERT INTO member_contact VALUES(1,'it','Kari Nordmann','+4761180011',NULL,NULL,1795994585340018);
CREATE TABLE member_domain (
    member_id BIGINT NOT NULL REFERENCES member (id),
    domain    TEXT   NOT NULL,
    PRIMARY KEY (member_id, domain)
);
CREATE TABLE member_network (
    member_id BIGINT NOT NULL REFERENCES member (id),
    network   TEXT   NOT NULL,             -- public, CIDR
    PRIMARY KEY (member_id, network)
);
CREATE TABLE departure (
    member_id BIGINT NOT NULL,
    added_at  BIGINT NOT NULL,
    left_at   BIGINT NOT NULL,
    PRIMARY KEY (member_id, added_at)
);
INSERT INTO departure VALUES(9,1,2);
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
CREATE INDEX member_by_supplier ON member (supplier) WHERE supplier IS NOT NULL;
CREATE INDEX former_number_by_member ON former_number (member_id);
CREATE INDEX joined_member_by_into ON joined_member (into_id);
COMMIT;

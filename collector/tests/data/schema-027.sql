PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE setting (
    key   TEXT PRIMARY KEY,   -- operator_name, address, …
    value TEXT NOT NULL
);
INSERT INTO setting VALUES('operator_name','Prøve-CSIRT');
INSERT INTO setting VALUES('address','127.0.0.1:24269');
INSERT INTO setting VALUES('list_key_mode','online');
INSERT INTO setting VALUES('confidential_key','0f741a679db60d7bf6d3ee2b063cd51af576831112c2ff14c920747560986206');
INSERT INTO setting VALUES('newest_word_all','{"signed":{"channel":"all","revision":1,"manifest_sha256":"beb7d1f1bc6123efcbd05bb6779c1f3a015b0262e02de7eee621f691bd84a1a0","at":"2026-11-30T16:54:13.638863Z"},"signatures":[{"key":"7cc1aed4e4b6f75ca2c6ac1f70d9f237","signature":"19004c970412ff1d2c9039163a90116635a14324cbbe46cb0097cae239f721314100c4cdd40e73a667123854df12de71b1a0d6db84da352ec0c788b30809190f"}]}');
CREATE TABLE member (
    id       INTEGER PRIMARY KEY,
    number   TEXT    NOT NULL UNIQUE,   -- kommunenummer and the like, with its leading zero
    name     TEXT    NOT NULL,
    added_at BIGINT  NOT NULL
, language TEXT NOT NULL DEFAULT 'neutral', covered BIGINT, supplier TEXT);
INSERT INTO member VALUES(1,'3407','Gjøvik',1796057653427092,'nynorsk',1,'IKT Øst');
INSERT INTO member VALUES(2,'0301','Oslo',1796057653439593,'neutral',NULL,NULL);
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
, protocol BIGINT, replayed BIGINT NOT NULL DEFAULT 0, passed_over BIGINT NOT NULL DEFAULT 0, set_back_at BIGINT, quarantined_at BIGINT, renew_epoch BIGINT NOT NULL DEFAULT 0, carrier TEXT, certificate_until BIGINT, spki_next_sha256 BLOB, certificate_next_until BIGINT, spki_before_sha256 BLOB, renewed_at BIGINT, renewals_from BIGINT, renewals BIGINT NOT NULL DEFAULT 0, renewal_refused_at BIGINT, renewal_refused_why TEXT, pending_at BIGINT, pending_spki_sha256 BLOB, approved_at BIGINT, replaces BIGINT, root_version BIGINT, root_refused_at BIGINT, root_refused_why TEXT, freshness TEXT, newest_told_at BIGINT, newest_refused_at BIGINT, newest_refused_why TEXT, channel TEXT NOT NULL DEFAULT 'all', channel_word BLOB, channel_at BIGINT, follows TEXT, channel_refused_why TEXT, sight TEXT);
INSERT INTO sensor VALUES(1,1,1796057653651332,1796316853651332,X'9347ea6308d1d942844cddbc187e2e585e523d8c01d4475ce437b93cb05e4e41',1796057653692033,X'2a15671d7e18a83eae09fbc6cf324f0f3d53dcf8743d99a848621c0c3d58c175',NULL,'0.1.0','2676a3baf650c8d23f57abc7f7c72eb3',4,1,1796057653842256,NULL,NULL,1796057653818699,1796057653869365,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-30T16:54:13.822918Z","clock_offset_us":1191,"cpu_ms":30,"disk_free_octets":20185227264,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":20934656,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,0,0,NULL,NULL,1,'tcp',1798649653000000,X'0000000000000000000000000000000000000000000000000000000000000000',1798649653000001,NULL,1796057653869365,1796057653869365,1,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,'fresh',NULL,NULL,NULL,'pilot',X'7b7d',1795000000000000,'pilot',NULL,'{"newest":{"heard":{"both":0,"inside_alone":0,"outside_alone":0,"other_alone":0,"answered":0,"unanswered":0,"unasked":0},"exclusions":{"sources":1,"shares":false,"inside_v4":22151168,"inside_v6":162129586585337856,"resolvers":0,"sinkholes":0,"dns_ports":1,"data_out_octets":1048576,"frequent_hosts":256,"digest":3707041391168156347}},"mark":{"both":0,"inside_alone":0,"outside_alone":0,"other_alone":0,"answered":0,"unanswered":0,"unasked":0},"mark_at":"2026-11-30T16:54:13.862408Z","lately":null,"accepted":{"sources":1,"shares":false,"inside_v4":22151168,"inside_v6":162129586585337856,"resolvers":0,"sinkholes":0,"dns_ports":1,"data_out_octets":1048576,"frequent_hosts":256,"digest":3707041391168156347},"changed_at":"2026-11-30T16:54:13.862408Z"}');
INSERT INTO sensor VALUES(2,2,1796057653993655,1796316853993655,X'cb5f1a92580e83ae1bb41d3244c4eaf0eaf0d8071ded6cfadcac3f0cf006f052',1796057654030248,X'56f8d8831d3b3ddf8e42975fb736ee1034b10aa754027fcf54608f63c3dbabf4',NULL,'0.1.0','14e8872a9cd1722601f76301988a50a9',4,1,1796057654166132,NULL,NULL,1796057654154181,1796057654175456,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-30T16:54:14.159732Z","clock_offset_us":1494,"cpu_ms":30,"disk_free_octets":20184768512,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":20869120,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,3,2,1796057654175456,1796057654175456,0,'quic',1798649654000000,NULL,NULL,NULL,NULL,NULL,0,1796057654175456,'toolate',NULL,NULL,NULL,NULL,1,1796057654175456,'unsigned','behind',NULL,1796057654175456,'older','all',NULL,NULL,'all','older','{"newest":{"heard":{"both":0,"inside_alone":0,"outside_alone":0,"other_alone":0,"answered":0,"unanswered":0,"unasked":0},"exclusions":{"sources":1,"shares":false,"inside_v4":22151168,"inside_v6":162129586585337856,"resolvers":0,"sinkholes":0,"dns_ports":1,"data_out_octets":1048576,"frequent_hosts":256,"digest":2597263058940425886}},"mark":{"both":0,"inside_alone":0,"outside_alone":0,"other_alone":0,"answered":0,"unanswered":0,"unasked":0},"mark_at":"2026-11-30T16:54:14.165084Z","lately":null,"accepted":{"sources":1,"shares":false,"inside_v4":22151168,"inside_v6":162129586585337856,"resolvers":0,"sinkholes":0,"dns_ports":1,"data_out_octets":1048576,"frequent_hosts":256,"digest":2597263058940425886},"changed_at":"2026-11-30T16:54:14.165084Z"}');
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
INSERT INTO heartbeat VALUES(1,1796057653824156,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-30T16:54:13.822918Z","clock_offset_us":1191,"cpu_ms":30,"disk_free_octets":20185227264,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":20934656,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
INSERT INTO heartbeat VALUES(2,1796057654161540,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-30T16:54:14.159732Z","clock_offset_us":1494,"cpu_ms":30,"disk_free_octets":20184768512,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":20869120,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
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
, pap TEXT, withdrawn_at BIGINT, refuted_at BIGINT, changed_at BIGINT);
INSERT INTO indicator VALUES(1,'vond.example','domain','import.txt',NULL,50,2,'TLP:AMBER',NULL,NULL,0,1796057653527350,1796057653547804,1,NULL,NULL,NULL,NULL);
CREATE TABLE list_revision (
    revision     INTEGER PRIMARY KEY,
    manifest     BLOB    NOT NULL,         -- signed JSON, as sent
    base         BLOB    NOT NULL,
    count        BIGINT  NOT NULL,
    published_at BIGINT  NOT NULL
, older_manifest BLOB, channel TEXT NOT NULL DEFAULT 'all', overlay BLOB, base_revision BIGINT);
INSERT INTO list_revision VALUES(1,X'7b227369676e6564223a7b226368616e6e656c223a22616c6c222c227265766973696f6e223a312c2263726561746564223a22323032362d31312d33305431363a35343a31332e3534373830345a222c2265787069726573223a22323032362d31322d33305431363a35343a31332e3534373830345a222c22636f756e74223a312c22626173655f6f6374657473223a3532362c22626173655f626c616b6533223a2239323266356466626233393737373033363332666234313432616231643231613465653234653132363739366539373232666564316332623639633461386631222c22636f6e74656e745f626c616b6533223a2233663938333033323266626333333166646436343738633633393436333535306565333136363433383037353736626636333864373732623063346233656230222c226d696e696d756d5f6167656e74223a22302e312e30227d2c227369676e617475726573223a5b7b226b6579223a223361323764616438393764383533383766363465653066643738373162303038222c227369676e6174757265223a226337616631636632396134323136643734653966386336633533366636666263346432383863653339393634383535653335386165616630393836323931633735316664393637353265373866643662323537386638363432396632393562613839646336383037366535353330343137643634323538323161626362323039227d5d7d',X'564152444542413101000000400100000e020000000000000100000000000000eac0e89b80271009a2030fedea2181430f741a679db60d7bf6d3ee2b063cd51af576831112c2ff14c9207475609862060100000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000400100000000000040000000000000008001000000000000000000000000000080010000000000000800000000000000c001000000000000180000000000000000020000000000000e00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000800000000000000002000000040000000200000000000000000000000000000000000000000000000000000000000001000000000000000000000e0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000c06e38b77106000000320202080000000000000000000000000000000000000000000000000000000000000000000000000000000000000d04766f6e64076578616d706c65',1,1796057653547804,NULL,'all',NULL,NULL);
CREATE TABLE in_force (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    revision  BIGINT NOT NULL,
    since     BIGINT NOT NULL,             -- the sensor's clock
    heard_at  BIGINT NOT NULL,             -- ours
    PRIMARY KEY (sensor_id, revision)
);
INSERT INTO in_force VALUES(1,1,1796057653842256,1796057653846239);
INSERT INTO in_force VALUES(2,1,1796057654166132,1796057654166481);
CREATE TABLE record (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    octets      BLOB   NOT NULL,           -- as the spool held it
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO record VALUES(1,'2676a3baf650c8d23f57abc7f7c72eb3',1,1796057653824107,X'fd8899e68402c30c00030005302e312e30');
INSERT INTO record VALUES(1,'2676a3baf650c8d23f57abc7f7c72eb3',2,1796057653862324,X'fd8223e88402c30c0003010101');
INSERT INTO record VALUES(1,'2676a3baf650c8d23f57abc7f7c72eb3',3,1796057653862324,X'fd4e40e88402c30c000000010102000001fd09c8423de6db95100001010100020000000000013511fdc45be68402c30c00fde45ee68402c30c0001');
INSERT INTO record VALUES(1,'2676a3baf650c8d23f57abc7f7c72eb3',4,1796057653862324,X'fdc240e88402c30c00010300fdc45be68402c30c00fde45ee68402c30c0002000000000135110001');
INSERT INTO record VALUES(2,'14e8872a9cd1722601f76301988a50a9',1,1796057654161485,X'fd5cd9f08402c30c00030005302e312e30');
INSERT INTO record VALUES(2,'14e8872a9cd1722601f76301988a50a9',2,1796057654169320,X'fd5805f28402c30c0003010101');
INSERT INTO record VALUES(2,'14e8872a9cd1722601f76301988a50a9',3,1796057654169320,X'fd3013f28402c30c000000010102000001fdfdc78238df78ce6d0001010100020000000000013511fd0a95f08402c30c00fd2a98f08402c30c0001');
INSERT INTO record VALUES(2,'14e8872a9cd1722601f76301988a50a9',4,1796057654169320,X'fd8e13f28402c30c00010300fd0a95f08402c30c00fd2a98f08402c30c0002000000000135110001');
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
, departed BIGINT NOT NULL DEFAULT 0, cluster_id BIGINT REFERENCES cluster (id), word BIGINT, sort BIGINT, why TEXT, weights_version TEXT, state TEXT NOT NULL DEFAULT 'new', closed_as TEXT, duplicate_of BIGINT, state_at BIGINT, owner TEXT, worked_at BIGINT, came_back BIGINT NOT NULL DEFAULT 0);
INSERT INTO campaign VALUES(1,'780fc6ff-7a01-5292-b353-cb1103bd140b','indicator','1','vond.example',0,1796057654169320,1796057653784034,1796057654119445,1796057654169320,0,1,1,201,'[{"term":"confidence","value":50,"grade":"medium","points":1},{"term":"evidence","value":"answered","points":1},{"term":"likelihood","grade":"low","points":2},{"term":"zone","grade":"medium","points":1},{"term":"severity","value":"medium","points":0},{"term":"consequence","grade":"medium","points":1}]','varde-2','new',NULL,NULL,NULL,NULL,NULL,0);
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
, cluster_id BIGINT REFERENCES cluster (id), word BIGINT, sort BIGINT, why TEXT, weights_version TEXT, state TEXT NOT NULL DEFAULT 'new', closed_as TEXT, duplicate_of BIGINT, state_at BIGINT, owner TEXT, worked_at BIGINT, came_back BIGINT NOT NULL DEFAULT 0, human BIGINT NOT NULL DEFAULT 0, reached BIGINT, campaign_since BIGINT);
INSERT INTO incident VALUES(1,'800d8f1d-8798-51ef-a00d-cb592cdc4bba',1,'indicator','1','vond.example',0,1,1796057653862324,1796057653784034,1796057653784434,1796057653862324,1,1,201,'[{"term":"confidence","value":50,"grade":"medium","points":1},{"term":"evidence","value":"answered","points":1},{"term":"likelihood","grade":"low","points":2},{"term":"zone","grade":"medium","points":1},{"term":"severity","value":"medium","points":0},{"term":"consequence","grade":"medium","points":1}]','varde-2','new',NULL,NULL,NULL,NULL,NULL,0,0,2,1796057654169320);
INSERT INTO incident VALUES(2,'2eef2d28-d2b9-5c06-a8ea-bcd386f72b92',2,'indicator','1','vond.example',0,1,1796057654169320,1796057654119045,1796057654119445,1796057654169320,1,1,201,'[{"term":"confidence","value":50,"grade":"medium","points":1},{"term":"evidence","value":"answered","points":1},{"term":"likelihood","grade":"low","points":2},{"term":"zone","grade":"medium","points":1},{"term":"severity","value":"medium","points":0},{"term":"consequence","grade":"medium","points":1}]','varde-2','new',NULL,NULL,NULL,NULL,NULL,0,0,2,1796057654169320);
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
    incident_id        BIGINT REFERENCES incident (id), hosts BIGINT, verdict TEXT, verdict_reason TEXT, verdict_at BIGINT, judgement_id BIGINT, strand_id BIGINT REFERENCES strand (id), met_itself BIGINT NOT NULL DEFAULT 1,
    UNIQUE (sensor_id, epoch, seq)
);
INSERT INTO alert VALUES(1,'90c8d8e6-6716-5781-9138-558ce58d09ce',1,'2676a3baf650c8d23f57abc7f7c72eb3',3,1,0,1,1,'H-115EVWRYM5J09',0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1796057653784034,1796057653784434,1,NULL,1796057653862324,1796057653862324,1,1,NULL,'confirmed','sett på maskinen',1795000000000000,1,1,1);
INSERT INTO alert VALUES(2,'80f3fe54-28a6-5805-928b-cdfb778538cb',2,'14e8872a9cd1722601f76301988a50a9',3,2,0,1,1,NULL,0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1796057654119045,1796057654119445,1,NULL,1796057654169320,1796057654169320,1,2,3000,NULL,NULL,NULL,NULL,2,1);
CREATE TABLE sensor_event (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT   NOT NULL,           -- JSON
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO sensor_event VALUES(1,'2676a3baf650c8d23f57abc7f7c72eb3',1,1796057653791940,1796057653824107,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(1,'2676a3baf650c8d23f57abc7f7c72eb3',2,1796057653842369,1796057653862324,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'14e8872a9cd1722601f76301988a50a9',1,1796057654127790,1796057654161485,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(2,'14e8872a9cd1722601f76301988a50a9',2,1796057654166188,1796057654169320,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'14e8872a9cd1722601f76301988a50a9',0,1796057654175456,1796057654175456,'{"event":"two_live","greeted_at":null}');
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
INSERT INTO sensor_mark VALUES(1,1,'4eeb4cef1664c65a17f0817645875930',NULL,1796057653818699);
INSERT INTO sensor_mark VALUES(2,1,'1e2211abde30b3cd51b330aaf6565564',NULL,1796057654154181);
CREATE TABLE root_document (
    version  INTEGER PRIMARY KEY,
    document BLOB    NOT NULL,
    expires  BIGINT  NOT NULL,
    kept_at  BIGINT  NOT NULL
);
INSERT INTO root_document VALUES(1,X'7b227369676e6564223a7b2276657273696f6e223a312c2265787069726573223a22323032372d31312d33305431363a35343a31332e3330373533385a222c226b657973223a7b223038376134333032656230326632656633323766313035393238343530336134223a2233363234643237333330346365633831663961306164363664346261636662383838663932346330356238373061383630653662636361303539386466393861222c223361323764616438393764383533383766363465653066643738373162303038223a2266663065393934633834626132336331356362643236633834643132333265613163663464623937636166613133366431303330363031343136363233633063222c223763633161656434653462366637356361326336616331663730643966323337223a2233373337323033303532633534326161663830306266613862636536313432643837616231333635636238323866373031366138336264653137313464363435222c223837623437383266336332333132613634313461653334326539356332643864223a2261663264306634656663376166343936633464393436383238363136663961366366626631383635623266376438306334336136386632376638333130616530222c226666626661396464643131376265343135643734313637666663646339353838223a2238333333393066323961373732373239306136366130353466373161376439303163303430323735366233313136346331653337633735623739376338346531227d2c22726f6c6573223a7b22726f6f74223a7b226b657973223a5b226666626661396464643131376265343135643734313637666663646339353838225d2c227468726573686f6c64223a317d2c226c697374223a7b226b657973223a5b223361323764616438393764383533383766363465653066643738373162303038225d2c227468726573686f6c64223a317d2c2274696d657374616d70223a7b226b657973223a5b223763633161656434653462366637356361326336616331663730643966323337225d2c227468726573686f6c64223a317d2c2268756e74223a7b226b657973223a5b223837623437383266336332333132613634313461653334326539356332643864225d2c227468726573686f6c64223a317d2c226272616b65223a7b226b657973223a5b223038376134333032656230326632656633323766313035393238343530336134225d2c227468726573686f6c64223a317d7d2c226361223a5b2234303031306432326633663961383131623436336437366361613630303361333134623633363466336138333538633431363962333263656431666263323937225d7d2c227369676e617475726573223a5b7b226b6579223a226666626661396464643131376265343135643734313637666663646339353838222c227369676e6174757265223a226338626135633636336138356133383563663934333637343165313062303463613664373237373466316333613930663562646663393439653732313334303339396230616333623666393936303234393038366633366462353731353834666331616162383738376336386334396137326130366363383937306530333031227d5d7d',1827593653307538,1796057653350963);
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
, older_manifest BLOB, channel TEXT NOT NULL DEFAULT 'all', overlay BLOB, base_revision BIGINT);
INSERT INTO pending_list VALUES(1,2,X'7b7d',X'00',1,1,0,0,1795000000000000,X'7b7d','all',X'00',1);
CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,   -- from 1, without gaps
    at       BIGINT NOT NULL,
    who      TEXT   NOT NULL,       -- user of the system, or a part of the program
    what     TEXT   NOT NULL,       -- the command
    on_whom  TEXT   NOT NULL,
    members  TEXT   NOT NULL,       -- numbers of the members it concerns, each between spaces; * = all of them
    was      TEXT   NOT NULL,       -- before, in words
    became   TEXT   NOT NULL,       -- after, in words
    cut_seq  BIGINT,                -- of a checkpoint: entries up to this one were removed, being older than is kept
    cut_hash BLOB,                  -- and this was the hash of the last of them
    hash     BLOB   NOT NULL        -- SHA-256
);
INSERT INTO audit VALUES(1,1796057653304551,'root','init','the collector','','nothing','made in /tmp/.tmpDC4tFj/collector',NULL,NULL,X'ce7b88191df354c47c35abd44e93b53d5a82840e00a6dbd10f8f11ba9d647b94');
INSERT INTO audit VALUES(2,1796057653305662,'root','init','setting operator_name','','not set','Prøve-CSIRT',NULL,NULL,X'9df3c174a233beb8861675f97595da77495700ae55d77ba85f1cfff304ce85a6');
INSERT INTO audit VALUES(3,1796057653306336,'root','init','setting address','','not set','127.0.0.1:24269',NULL,NULL,X'3b11d9b53ce7e9013348db8b0bc2dd7141506b3cff3c6505f0927de2958fe3af');
INSERT INTO audit VALUES(4,1796057653349566,'root','run','the collector','','not run by a version that has an audit','quic 127.0.0.1:24269, enroll 127.0.0.1:24270, web 127.0.0.1:0, tcp 127.0.0.1:24269, approve_sensors false, heartbeat none',NULL,NULL,X'c1bea5fd1c7ba0455f457a7bb383bb03b0a4709b690bcbae22e89db942e02ac7');
INSERT INTO audit VALUES(5,1796057653427079,'root','member add','member 3407',' 3407 ','no member','Gjøvik',NULL,NULL,X'91160cf0c3befed3dc0ca42eac0c2727614619223ea29c2ba6700323f8865b02');
INSERT INTO audit VALUES(6,1796057653439578,'root','member add','member 0301',' 0301 ','no member','Oslo',NULL,NULL,X'be5037ace00accae4db367842d78d8b082f881b0c9082dbbddf1ff260305d2a0');
INSERT INTO audit VALUES(7,1796057653526353,'root','indicator import','indicators','','','import.txt, 13 bytes, SHA-256 fcbd3b6618b395ecfa4ae2b2d951775d973cca23d9b7e3900d2db1fb8ff3644c, read as plain',NULL,NULL,X'ce3ca7408afc25af4e6bbd85a540c36b7d10f2ce5ecc589748613a3acd8d3489');
INSERT INTO audit VALUES(8,1796057653633779,'root','publish','list 1','','no list of channel all in force','published for channel all: 1 indicators, content 3f9830322fbc331fdd6478c639463550ee316643807576bf638d772b0c4b3eb0, signed by 3a27dad897d85387f64ee0fd7871b008',NULL,NULL,X'15b7ed4d79e13e4bd65c95ed0c2cbf7ea2c2eec70f61507701d748600d29f2c3');
INSERT INTO audit VALUES(9,1796057653653457,'root','sensor token','member 3407',' 3407 ','Gjøvik','a token for a new sensor, good until 2026-12-03 16:54:13Z',NULL,NULL,X'fd08446edc8863c5d73be299449bf21ed2a1626761786163069a43407abe8544');
INSERT INTO audit VALUES(10,1796057653995642,'root','sensor token','member 0301',' 0301 ','Oslo','a token for a new sensor, good until 2026-12-03 16:54:13Z',NULL,NULL,X'd83b75a4559e6a7285bf760ad3df07863c5e1514b467a112a62d787f5a6ee07c');
CREATE TABLE former_number (
    number    TEXT   PRIMARY KEY,
    member_id BIGINT NOT NULL REFERENCES member (id),
    name      TEXT   NOT NULL,             -- what the member with this number was called
    until     BIGINT NOT NULL
);
INSERT INTO former_number VALUES('0502',1,'Gjøvik',1796057653427092);
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
INSERT INTO member_contact VALUES(1,'it','Kari Nordmann','+4761180011',NULL,NULL,1796057653427092);
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
CREATE TABLE source (
    id          INTEGER PRIMARY KEY,
    name        TEXT   NOT NULL UNIQUE,   -- a file's name, or what import --source says
    added_at    BIGINT NOT NULL,
    received_at BIGINT                    -- when something was last taken in from it
);
INSERT INTO source VALUES(1,'import.txt',1796057653527350,1796057653527350);
CREATE TABLE claim (
    id            INTEGER PRIMARY KEY,
    indicator_id  BIGINT NOT NULL REFERENCES indicator (id),
    source_id     BIGINT NOT NULL REFERENCES source (id),
    object_id     TEXT   NOT NULL,        -- what the source calls the object that says it; empty = a list without names
    modified_at   BIGINT,                 -- the object's version, by the source; an older one changes nothing
    threat        TEXT,                   -- this and what follows: none = it says nothing of it
    confidence    BIGINT,                 -- 0-100
    severity      BIGINT,                 -- 0 info … 4 critical
    tlp           BIGINT,                 -- 0 clear, 1 green, 2 amber, 3 amber+strict, 4 red; none counts as amber
    pap           BIGINT,                 -- 0 clear, 1 green, 2 amber, 3 red
    valid_from    BIGINT,
    valid_until   BIGINT,
    exercise      BIGINT,                 -- 1 it is part of one, 0 it is real; none counts as real
    details       TEXT,                   -- JSON: techniques, tags, measures, note
    object        TEXT,                   -- the object as the source sent it, for people
    received_at   BIGINT NOT NULL,        -- first said
    renewed_at    BIGINT NOT NULL,        -- last said
    withdrawn_at  BIGINT,                 -- when the source took it back, or was found wrong
    withdrawn_why TEXT, refuted_at BIGINT,
    UNIQUE (source_id, object_id, indicator_id)
);
INSERT INTO claim VALUES(1,1,1,'indicator--1',1795000000000000,NULL,80,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,1796057653527350,1796057653527350,NULL,NULL,NULL);
CREATE TABLE object (
    source_id    BIGINT NOT NULL REFERENCES source (id),
    object_id    TEXT   NOT NULL,
    modified_at  BIGINT,                  -- by the source; none = it has said none
    withdrawn_at BIGINT,                  -- when this version was known to take the object back
    PRIMARY KEY (source_id, object_id)
) WITHOUT ROWID;
CREATE TABLE clue (
    id          INTEGER PRIMARY KEY,
    source_id   BIGINT NOT NULL REFERENCES source (id),
    object_id   TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    value       TEXT   NOT NULL,
    tlp         BIGINT,
    received_at BIGINT NOT NULL,
    renewed_at  BIGINT NOT NULL,
    UNIQUE (source_id, object_id, kind, value)
);
INSERT INTO clue VALUES(1,1,'indicator--1','file hash','da39a3ee',2,1796057653527350,1796057653527350);
CREATE TABLE warninglist (
    name        TEXT   PRIMARY KEY,      -- that of a default one takes its place
    description TEXT   NOT NULL,
    version     TEXT   NOT NULL,
    kind        TEXT   NOT NULL,         -- cidr, string, hostname, substring or plain
    level       TEXT   NOT NULL,         -- annotate, warn, quarantine or block
    entries     TEXT   NOT NULL,         -- one a line
    entry_count BIGINT NOT NULL,
    unread      BIGINT NOT NULL,         -- entries that could not be compared and were left out
    author      TEXT   NOT NULL,
    added_at    BIGINT NOT NULL
);
CREATE TABLE lint_override (
    id       INTEGER PRIMARY KEY,
    pattern  TEXT   NOT NULL,            -- the indicator, as plain lists write it
    rules    TEXT   NOT NULL,            -- in spite of which rules, one a line; a new finding holds it again
    reason   TEXT   NOT NULL,
    author   TEXT   NOT NULL,
    given_at BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    ended_at BIGINT,                     -- ended by hand, or given anew
    ended_by TEXT
);
INSERT INTO lint_override VALUES(1,'vond.example','list x','ekte','kari',1795000000000000,4102444800000000,NULL,NULL);
CREATE TABLE allowed (
    id       INTEGER PRIMARY KEY,
    pattern  TEXT   NOT NULL,            -- as plain lists write it; what is below a name or within a network too
    reason   TEXT   NOT NULL,
    author   TEXT   NOT NULL,
    given_at BIGINT NOT NULL,
    until    BIGINT,                     -- none = until it is removed
    ended_at BIGINT,
    ended_by TEXT
, by_verdict BIGINT NOT NULL DEFAULT 0);
INSERT INTO allowed VALUES(1,'snill.example','vår egen','kari',1795000000000000,NULL,NULL,NULL,0);
CREATE TABLE fetched_source (
    source_id    INTEGER PRIMARY KEY REFERENCES source (id),
    plan         TEXT   NOT NULL,      -- JSON: what its operator has said of it; no secret, but where one lies
    every_s      BIGINT NOT NULL,      -- how often
    added_at     BIGINT NOT NULL,
    paused_at    BIGINT,               -- its operator lets it rest since then
    resume       TEXT   NOT NULL,      -- JSON: what it said last of how far it has been read
    tried_at     BIGINT,
    failed_why   TEXT,                 -- why the last try failed; none = it did not
    failures     BIGINT NOT NULL,      -- since the last success
    left_alone_s BIGINT NOT NULL,      -- for so long after the last try it asked to be left alone
    succeeded_at BIGINT,
    entries      BIGINT,               -- indicators it has by the last success, where it says all of them
    had_entries  BIGINT,               -- and by the one before
    came         BIGINT,               -- new by the last success that brought anything
    went         BIGINT,               -- and withdrawn
    left_out     BIGINT,               -- and refused
    held_at      BIGINT,               -- what it says since then is suddenly so much less that it is not taken in
    held_why     TEXT
);
CREATE TABLE draft_review (
    id     INTEGER PRIMARY KEY,
    draft  TEXT    NOT NULL,
    who    TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    at     BIGINT  NOT NULL
);
INSERT INTO draft_review VALUES(1,'d1','ola','sett på',1795000000000000);
CREATE TABLE recall (
    id           INTEGER PRIMARY KEY,
    indicator_id BIGINT  NOT NULL REFERENCES indicator (id),
    reason       TEXT    NOT NULL,
    who          TEXT    NOT NULL,
    at           BIGINT  NOT NULL,
    by_itself    BIGINT  NOT NULL,   -- 1 = the collector did, because it hit too much
    lifted_at    BIGINT,
    lifted_by    TEXT,
    lifted_why   TEXT
);
INSERT INTO recall VALUES(1,1,'hit 30 hosts','varde-collector',1795000000000000,1,1795000000000001,'kari','ekte');
CREATE TABLE rollout (
    id             INTEGER PRIMARY KEY,
    draft          TEXT    NOT NULL,   -- hash of what the list holds
    count          BIGINT  NOT NULL,
    base           BLOB    NOT NULL,   -- the list as a file, until it is over
    added          BLOB    NOT NULL,   -- numbers of the indicators that no list for all had, 8 octets each, big-endian, in order
    up_to_id       BIGINT  NOT NULL,   -- indicators up to this number are in it
    with_red       BIGINT  NOT NULL,
    shrinks        BIGINT  NOT NULL,   -- somebody has said that it may hold much less
    who            TEXT    NOT NULL,
    prepared_at    BIGINT  NOT NULL,
    pilot_revision BIGINT  NOT NULL,   -- its number at the pilot group
    urgent_why     TEXT,               -- why it went to everybody at once; none = it did not, and pilot_revision is the group's
    all_revision   BIGINT,             -- and for all; none = not yet
    all_at         BIGINT,
    ended_at       BIGINT,
    ended_why      TEXT,               -- done, stopped, superseded, unwatched
    stopped_on     BIGINT REFERENCES indicator (id),
    stopped_why    TEXT,
    passed_at      BIGINT              -- of one that was stopped: since when somebody has published after it, or has let in what stopped it
);
INSERT INTO rollout VALUES(1,'d1',1,X'',X'0000000000000001',1,0,0,'kari',1795000000000000,2,NULL,NULL,NULL,1795000000000001,'stopped',1,'hit 30 hosts',1795000000000002);
CREATE TABLE judgement (
    id           INTEGER PRIMARY KEY,
    indicator_id BIGINT NOT NULL REFERENCES indicator (id),
    verdict      TEXT   NOT NULL,
    exercise     BIGINT NOT NULL,
    at           BIGINT NOT NULL
);
INSERT INTO judgement VALUES(1,1,'confirmed',0,1795000000000000);
CREATE TABLE judged_source (
    judgement_id BIGINT NOT NULL REFERENCES judgement (id),
    source_id    BIGINT NOT NULL REFERENCES source (id),
    PRIMARY KEY (judgement_id, source_id)
);
INSERT INTO judged_source VALUES(1,1);
CREATE TABLE sighting_target (
    source_id BIGINT PRIMARY KEY REFERENCES source (id),
    url       TEXT   NOT NULL,
    key_file  TEXT   NOT NULL,   -- the file with the server's key; the key itself is not in the database
    ca_file   TEXT,              -- CA certificates by which the server is believed; none = the system's
    added_at  BIGINT NOT NULL
);
CREATE TABLE sighting (
    id           INTEGER PRIMARY KEY,
    source_id    BIGINT NOT NULL REFERENCES source (id),
    judgement_id BIGINT NOT NULL,     -- the verdict that says so; gone where that was taken back
    object_id    TEXT   NOT NULL,     -- what the source calls the object
    kind         BIGINT NOT NULL,     -- 0 seen and confirmed, 1 false positive
    at           BIGINT NOT NULL,     -- of the verdict
    tries        BIGINT NOT NULL DEFAULT 0,
    next_at      BIGINT NOT NULL,     -- not before
    sent_at      BIGINT,
    given_up_at  BIGINT,
    failed_why   TEXT,
    UNIQUE (source_id, judgement_id, object_id)
);
CREATE TABLE reader (
    id           INTEGER PRIMARY KEY,
    name         TEXT   NOT NULL,
    tlp          BIGINT NOT NULL,     -- up to this: 0 clear, 1 green, 2 amber, 3 amber+strict
    member_id    BIGINT REFERENCES member (id),   -- whose it is; none = the operator's own, or a partner's
    own          BIGINT NOT NULL,     -- the operator's own organisation
    in_path      BIGINT NOT NULL,     -- its token may stand in the path
    token_sha256 BLOB   NOT NULL,
    added_at     BIGINT NOT NULL,
    until        BIGINT,              -- good until then
    removed_at   BIGINT,
    last_read_at BIGINT               -- to the hour
);
INSERT INTO reader VALUES(1,'brannmur',1,1,0,0,X'0000000000000000000000000000000000000000000000000000000000000000',1795000000000000,NULL,NULL,NULL);
CREATE TABLE feed_piece (
    level   BIGINT NOT NULL,          -- the reader's TLP
    name    TEXT   NOT NULL,
    content BLOB   NOT NULL,          -- BLAKE3
    version BIGINT NOT NULL, info TEXT, live BLOB, gone BLOB,          -- of a zone its serial, of an event its time in seconds
    PRIMARY KEY (level, name)
);
INSERT INTO feed_piece VALUES(1,'e',X'0000000000000000000000000000000000000000000000000000000000000000',1795000000,'hendelse',X'0000000000000001',X'');
CREATE TABLE indicator_change (
    id     INTEGER PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO indicator_change VALUES(1,1);
INSERT INTO indicator_change VALUES(2,2);
CREATE TABLE import_under_way (
    source_id    BIGINT PRIMARY KEY REFERENCES source (id),
    mark         TEXT   NOT NULL,      -- which gathered file it comes from
    at           BIGINT NOT NULL,      -- its time, by which what it says is told from what was said before
    keeps_unsaid BIGINT NOT NULL,      -- a list without columns: what an entry does not say stays as it was said
    is_all       BIGINT NOT NULL,      -- it is all that its source says
    step         BIGINT NOT NULL,      -- 0 entries, 1 words of objects, 2 clues, 3 groups of objects, 4 what is not said again
    done         BIGINT NOT NULL,      -- up to this row of the step
    came         BIGINT NOT NULL,      -- indicators that were not there
    known        BIGINT NOT NULL,
    outdated     BIGINT NOT NULL,
    went         BIGINT NOT NULL,      -- claims withdrawn
    changes      BIGINT NOT NULL       -- so much of the number in indicator_change is this import's
);
CREATE TABLE indicator_before (
    id           BIGINT PRIMARY KEY REFERENCES indicator (id),
    threat       TEXT,
    confidence   BIGINT NOT NULL,
    severity     BIGINT NOT NULL,
    tlp          TEXT   NOT NULL,
    pap          TEXT,
    valid_from   BIGINT,
    valid_until  BIGINT,
    exercise     BIGINT NOT NULL,
    withdrawn_at BIGINT
, changed_at BIGINT);
CREATE TABLE cluster (
    id                INTEGER PRIMARY KEY,
    too_connected_at  BIGINT,              -- since when medium links join nothing to it any more
    too_connected_why TEXT                 -- kind and value of the guard that tripped, or 'topics'
);
INSERT INTO cluster VALUES(1,NULL,NULL);
CREATE TABLE apart (
    low     BIGINT NOT NULL REFERENCES cluster (id),
    high    BIGINT NOT NULL REFERENCES cluster (id),
    PRIMARY KEY (low, high)
);
CREATE TABLE strand (
    id              INTEGER PRIMARY KEY,
    member_id       BIGINT NOT NULL REFERENCES member (id),
    incident_id     BIGINT NOT NULL REFERENCES incident (id),
    link_kind       TEXT   NOT NULL,
    link_value      TEXT   NOT NULL,
    exercise        BIGINT NOT NULL,
    first_seen      BIGINT NOT NULL,
    last_seen       BIGINT NOT NULL,
    evidence        BIGINT NOT NULL,       -- this and what follows: the most that any alert that founds it has
    confidence      BIGINT NOT NULL,       -- 0-100
    level           BIGINT NOT NULL,       -- of a zone: 0 low, 1 medium, 2 high
    severity        BIGINT NOT NULL,
    by_name         BIGINT NOT NULL,       -- contact by name
    by_name_at_high BIGINT NOT NULL,       -- at a zone of high consequence
    persistent      BIGINT NOT NULL,       -- contact as regular as a program's
    in_history      BIGINT NOT NULL        -- found in history
, sensed BIGINT NOT NULL DEFAULT 1, said BIGINT NOT NULL DEFAULT 0, said_confidence BIGINT NOT NULL DEFAULT 0, said_severity BIGINT NOT NULL DEFAULT 0);
INSERT INTO strand VALUES(1,1,1,'indicator','1',0,1796057653784034,1796057653784434,2,50,1,2,0,0,0,0,1,0,0,0);
INSERT INTO strand VALUES(2,2,2,'indicator','1',0,1796057654119045,1796057654119445,2,50,1,2,0,0,0,0,1,0,0,0);
CREATE TABLE trace (
    id         INTEGER PRIMARY KEY,
    member_id  BIGINT NOT NULL REFERENCES member (id),
    strand_id  BIGINT NOT NULL REFERENCES strand (id),
    kind       TEXT   NOT NULL,            -- 'threat', 'indicator', 'contact', 'address' or 'domain'
    value      TEXT   NOT NULL,
    exercise   BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL
);
INSERT INTO trace VALUES(1,1,1,'indicator','1',0,1796057653784034,1796057653784434);
INSERT INTO trace VALUES(2,2,2,'indicator','1',0,1796057654119045,1796057654119445);
CREATE TABLE guard (
    kind          TEXT   NOT NULL,
    value         TEXT   NOT NULL,
    tripped_at    BIGINT NOT NULL,
    numbers       TEXT   NOT NULL,         -- JSON: what it was found by
    settled_at    BIGINT,                  -- a person has said what it is
    settled_as    TEXT,                    -- 'upheld' or 'overruled'; overruled, it links again and is not proposed again
    settled_by    TEXT,
    settled_why   TEXT, member_id BIGINT REFERENCES member (id), host TEXT, id BIGINT,
    PRIMARY KEY (kind, value)
);
CREATE TABLE meeting (
    indicator_id BIGINT NOT NULL REFERENCES indicator (id),
    member_id    BIGINT NOT NULL REFERENCES member (id),
    first_seen   BIGINT NOT NULL,
    evidence     BIGINT NOT NULL,
    PRIMARY KEY (indicator_id, member_id)
);
INSERT INTO meeting VALUES(1,1,1796057653784034,2);
INSERT INTO meeting VALUES(1,2,1796057654119045,2);
CREATE TABLE weights (
    id       INTEGER PRIMARY KEY,
    version  TEXT   NOT NULL,
    text     TEXT   NOT NULL,
    taken_at BIGINT NOT NULL
);
CREATE TABLE silence (
    id        INTEGER PRIMARY KEY,
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),   -- whose it is says at which member
    kind      TEXT   NOT NULL,          -- unheard, deaf, …
    began_at  BIGINT NOT NULL,          -- since when it was so
    found_at  BIGINT NOT NULL,          -- when that was found here
    last_at   BIGINT NOT NULL,          -- when it was last found to be so
    ended_at  BIGINT,                   -- when it was over; none = it stands
    ended_why TEXT,
    times     BIGINT NOT NULL,          -- how often it began, within minutes each
    facts     TEXT   NOT NULL           -- JSON: the worst there was
, owner TEXT);
CREATE TABLE daily_count (
    member_id BIGINT NOT NULL REFERENCES member (id),
    day       BIGINT NOT NULL,         -- in Norway, as its beginning by UTC
    kind      TEXT   NOT NULL,         -- of the indicator: domain, host, ipv4, …
    severity  BIGINT NOT NULL,         -- 0 info … 4 critical
    alerts    BIGINT NOT NULL,
    sightings BIGINT NOT NULL,
    PRIMARY KEY (member_id, day, kind, severity)
);
CREATE TABLE timeline (
    id          INTEGER PRIMARY KEY,
    kind        TEXT   NOT NULL,          -- 'incident', 'campaign' or 'silence'
    subject_id  BIGINT NOT NULL,          -- its row there
    at          BIGINT NOT NULL,          -- when it was so
    learnt_at   BIGINT NOT NULL,          -- when it was said or found here
    who         TEXT,                     -- none = the collector
    for_members BIGINT NOT NULL,          -- 1: the member concerned may read it; 0: the CSIRT alone
    body        TEXT   NOT NULL           -- JSON: what
);
INSERT INTO timeline VALUES(1,'incident',1,1796057653784034,1796057653862324,NULL,1,'{"what":"reached","evidence":"answered"}');
INSERT INTO timeline VALUES(2,'incident',2,1796057654119045,1796057654169320,NULL,1,'{"what":"reached","evidence":"answered"}');
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
CREATE INDEX audit_cut ON audit (cut_seq) WHERE cut_seq IS NOT NULL;
CREATE INDEX member_by_supplier ON member (supplier) WHERE supplier IS NOT NULL;
CREATE INDEX former_number_by_member ON former_number (member_id);
CREATE INDEX joined_member_by_into ON joined_member (into_id);
CREATE INDEX brake_by_indicator ON brake (indicator_id, exercise);
CREATE INDEX braked_count_by_indicator ON braked_count (indicator_id, exercise, brake_order);
CREATE INDEX claim_indicator ON claim (indicator_id);
CREATE UNIQUE INDEX lint_override_standing ON lint_override (pattern) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX allowed_standing ON allowed (pattern) WHERE ended_at IS NULL;
CREATE INDEX draft_review_by_draft ON draft_review (draft);
CREATE UNIQUE INDEX recall_standing ON recall (indicator_id) WHERE lifted_at IS NULL;
CREATE INDEX alert_by_revision ON alert (revision, indicator_id);
CREATE INDEX judgement_by_indicator ON judgement (indicator_id);
CREATE INDEX judged_source_by_source ON judged_source (source_id);
CREATE INDEX sighting_due ON sighting (next_at) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX indicator_by_threat_name ON indicator (COALESCE(threat, ''), id);
CREATE INDEX strand_by_topic ON strand (member_id, link_kind, link_value);
CREATE INDEX strand_by_incident ON strand (incident_id);
CREATE INDEX trace_by_key ON trace (kind, value);
CREATE INDEX trace_by_strand ON trace (strand_id);
CREATE INDEX meeting_by_member ON meeting (member_id);
CREATE INDEX incident_by_cluster ON incident (cluster_id);
CREATE INDEX incident_unweighed ON incident (id) WHERE word IS NULL;
CREATE INDEX campaign_by_cluster ON campaign (cluster_id);
CREATE INDEX alert_by_strand ON alert (strand_id);
CREATE INDEX alert_by_host ON alert (member_id, client, last_seen) WHERE client IS NOT NULL;
CREATE UNIQUE INDEX silence_standing ON silence (sensor_id, kind) WHERE ended_at IS NULL;
CREATE INDEX silence_by_sensor ON silence (sensor_id, began_at);
CREATE INDEX silence_by_end ON silence (ended_at);
CREATE INDEX alert_by_update ON alert (updated_at);
CREATE INDEX incident_closed ON incident (member_id) WHERE state = 'closed';
CREATE INDEX timeline_by_subject ON timeline (kind, subject_id, id);
CREATE INDEX warninglist_by_age ON warninglist (name, added_at);
CREATE INDEX alert_by_arrival ON alert (arrived_at);
CREATE INDEX alert_by_member_and_arrival ON alert (member_id, arrived_at);
CREATE INDEX incident_by_opening ON incident (opened_at);
CREATE INDEX incident_by_member_and_opening ON incident (member_id, opened_at);
CREATE INDEX campaign_by_opening ON campaign (opened_at);
CREATE INDEX silence_by_beginning ON silence (began_at);
CREATE INDEX guard_by_member ON guard (member_id) WHERE member_id IS NOT NULL;
CREATE UNIQUE INDEX guard_by_id ON guard (id);
CREATE INDEX incident_behind ON incident (id) WHERE weights_version IS NULL;
CREATE INDEX campaign_behind ON campaign (id) WHERE weights_version IS NULL;
COMMIT;

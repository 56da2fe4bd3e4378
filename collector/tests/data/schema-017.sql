PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE setting (
    key   TEXT PRIMARY KEY,   -- operator_name, address, …
    value TEXT NOT NULL
);
INSERT INTO setting VALUES('operator_name','Prøve-CSIRT');
INSERT INTO setting VALUES('address','127.0.0.1:26984');
INSERT INTO setting VALUES('list_key_mode','online');
INSERT INTO setting VALUES('confidential_key','89f72c4ace9377510c1b1a833d1c9509385a47bc35fab9f3719b5a709fa3703f');
INSERT INTO setting VALUES('newest_word_all','{"signed":{"channel":"all","revision":1,"manifest_sha256":"789d8796dd1acb65f4dfab302f2838704fbdb2516ddda17f7262013764a05205","at":"2026-11-30T10:14:49.719631Z"},"signatures":[{"key":"b3978d91363a1e1c8468702fc80e05ff","signature":"455a79d29b8f764f4f93dd6d506f3dc892e4f0e176b77098233683fd74a91ede2744e2cce1f399f89b66ff4be92bed2f74ec0c7a758b66b7996708766f5b560a"}]}');
CREATE TABLE member (
    id       INTEGER PRIMARY KEY,
    number   TEXT    NOT NULL UNIQUE,   -- kommunenummer and the like, with its leading zero
    name     TEXT    NOT NULL,
    added_at BIGINT  NOT NULL
, language TEXT NOT NULL DEFAULT 'neutral', covered BIGINT, supplier TEXT);
INSERT INTO member VALUES(1,'3407','Gjøvik',1796033689483698,'nynorsk',1,'IKT Øst');
INSERT INTO member VALUES(2,'0301','Oslo',1796033689495064,'neutral',NULL,NULL);
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
, protocol BIGINT, replayed BIGINT NOT NULL DEFAULT 0, passed_over BIGINT NOT NULL DEFAULT 0, set_back_at BIGINT, quarantined_at BIGINT, renew_epoch BIGINT NOT NULL DEFAULT 0, carrier TEXT, certificate_until BIGINT, spki_next_sha256 BLOB, certificate_next_until BIGINT, spki_before_sha256 BLOB, renewed_at BIGINT, renewals_from BIGINT, renewals BIGINT NOT NULL DEFAULT 0, renewal_refused_at BIGINT, renewal_refused_why TEXT, pending_at BIGINT, pending_spki_sha256 BLOB, approved_at BIGINT, replaces BIGINT, root_version BIGINT, root_refused_at BIGINT, root_refused_why TEXT, freshness TEXT, newest_told_at BIGINT, newest_refused_at BIGINT, newest_refused_why TEXT, channel TEXT NOT NULL DEFAULT 'all', channel_word BLOB, channel_at BIGINT, follows TEXT, channel_refused_why TEXT);
INSERT INTO sensor VALUES(1,1,1796033689738867,1796292889738867,X'9cabc37fbf8ec57a8c80fdf5e4e34eeea78bb56ea56a37580f42f09aae8ee030',1796033689792545,X'9d356732627b101f862ee30bcc27228f1365cc3cdf315f8fdf7ac46906fd1243',NULL,'0.1.0','4cb74af03b6128c651f2f121fcbb442d',4,1,1796033689955830,NULL,NULL,1796033689944403,1796033689963202,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-30T10:14:49.948818Z","clock_offset_us":1579,"cpu_ms":20,"disk_free_octets":35176382464,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":20389888,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,0,0,NULL,NULL,1,'tcp',1798625689000000,X'0000000000000000000000000000000000000000000000000000000000000000',1798625689000001,NULL,1796033689963202,1796033689963202,1,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,'fresh',NULL,NULL,NULL,'pilot',X'7b7d',1795000000000000,'pilot',NULL);
INSERT INTO sensor VALUES(2,2,1796033690101034,1796292890101034,X'01edf50797ee9700211cba004974eb06056bc6154869c41204bae0e36ecbdf69',1796033690152093,X'231d57bb92b3aef0319ea9e70f1fdd119b9241415d5e1cf79500bdf9af7d7285',NULL,'0.1.0','7a00f785a28ad3c494b5ff9dd85ab63b',4,1,1796033690366676,NULL,NULL,1796033690343100,1796033690377180,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-30T10:14:50.353236Z","clock_offset_us":5954,"cpu_ms":30,"disk_free_octets":35175989248,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":20856832,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,3,2,1796033690377180,1796033690377180,0,'quic',1798625690000000,NULL,NULL,NULL,NULL,NULL,0,1796033690377180,'toolate',NULL,NULL,NULL,NULL,1,1796033690377180,'unsigned','behind',NULL,1796033690377180,'older','all',NULL,NULL,'all','older');
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
INSERT INTO heartbeat VALUES(1,1796033689951610,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-30T10:14:49.948818Z","clock_offset_us":1579,"cpu_ms":20,"disk_free_octets":35176382464,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":20389888,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
INSERT INTO heartbeat VALUES(2,1796033690354192,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-30T10:14:50.353236Z","clock_offset_us":5954,"cpu_ms":30,"disk_free_octets":35175989248,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":20856832,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
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
INSERT INTO indicator VALUES(1,'vond.example','domain','import.txt',NULL,50,2,'TLP:AMBER',NULL,NULL,0,1796033689607348,1796033689638125,1,NULL,NULL,NULL,NULL);
CREATE TABLE list_revision (
    revision     INTEGER PRIMARY KEY,
    manifest     BLOB    NOT NULL,         -- signed JSON, as sent
    base         BLOB    NOT NULL,
    count        BIGINT  NOT NULL,
    published_at BIGINT  NOT NULL
, older_manifest BLOB, channel TEXT NOT NULL DEFAULT 'all', overlay BLOB, base_revision BIGINT);
INSERT INTO list_revision VALUES(1,X'7b227369676e6564223a7b226368616e6e656c223a22616c6c222c227265766973696f6e223a312c2263726561746564223a22323032362d31312d33305431303a31343a34392e3633383132355a222c2265787069726573223a22323032362d31322d33305431303a31343a34392e3633383132355a222c22636f756e74223a312c22626173655f6f6374657473223a3532362c22626173655f626c616b6533223a2232393965316336663066333163336366643764616665303936343439363837623666306333363965346138353665623539653131353031613531653633656330222c22636f6e74656e745f626c616b6533223a2233663938333033323266626333333166646436343738633633393436333535306565333136363433383037353736626636333864373732623063346233656230222c226d696e696d756d5f6167656e74223a22302e312e30227d2c227369676e617475726573223a5b7b226b6579223a226538623937653134666335633066386163643632663235653739373662393463222c227369676e6174757265223a223632363762303036343736653063346133646631336265626531356433396333306365333036333738636136366161316363356665353464623063346561336435386264343165656231633264316136396130633764326565613962636162313466643633646266636264636536396136376530613035613865656639333066227d5d7d',X'564152444542413101000000400100000e020000000000000100000000000000512078ed72b91d1a7aa33cfefe5106bd89f72c4ace9377510c1b1a833d1c9509385a47bc35fab9f3719b5a709fa3703f0100000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000400100000000000040000000000000008001000000000000000000000000000080010000000000000800000000000000c001000000000000180000000000000000020000000000000e000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000a0000000000000000000000000000000040000000000000000000000400000000000000000000000000000000080000000000000000000000000000000000000000000e0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000c06e38b77106000000320202080000000000000000000000000000000000000000000000000000000000000000000000000000000000000d04766f6e64076578616d706c65',1,1796033689638125,NULL,'all',NULL,NULL);
CREATE TABLE in_force (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    revision  BIGINT NOT NULL,
    since     BIGINT NOT NULL,             -- the sensor's clock
    heard_at  BIGINT NOT NULL,             -- ours
    PRIMARY KEY (sensor_id, revision)
);
INSERT INTO in_force VALUES(1,1,1796033689955830,1796033689956290);
INSERT INTO in_force VALUES(2,1,1796033690366676,1796033690367008);
CREATE TABLE record (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    octets      BLOB   NOT NULL,           -- as the spool held it
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO record VALUES(1,'4cb74af03b6128c651f2f121fcbb442d',1,1796033689951535,X'fda4d02f5cf7c20c00030005302e312e30');
INSERT INTO record VALUES(1,'4cb74af03b6128c651f2f121fcbb442d',2,1796033689957292,X'fd825c305cf7c20c0003010101');
INSERT INTO record VALUES(1,'4cb74af03b6128c651f2f121fcbb442d',3,1796033689960618,X'fd1276305cf7c20c000000010102000001fdac373bf4e3e440010001010100020000000000013511fd16492e5cf7c20c00fd364c2e5cf7c20c0001');
INSERT INTO record VALUES(1,'4cb74af03b6128c651f2f121fcbb442d',4,1796033689960618,X'fd7276305cf7c20c00010300fd16492e5cf7c20c00fd364c2e5cf7c20c0002000000000135110001');
INSERT INTO record VALUES(2,'7a00f785a28ad3c494b5ff9dd85ab63b',1,1796033690353381,X'fde0f03a5cf7c20c00030005302e312e30');
INSERT INTO record VALUES(2,'7a00f785a28ad3c494b5ff9dd85ab63b',2,1796033690372308,X'fd62e63c5cf7c20c0003010101');
INSERT INTO record VALUES(2,'7a00f785a28ad3c494b5ff9dd85ab63b',3,1796033690372308,X'fdfaf03c5cf7c20c000000010102000001fd6fc179da25cad4b90001010100020000000000013511fdfe993a5cf7c20c00fd1e9d3a5cf7c20c0001');
INSERT INTO record VALUES(2,'7a00f785a28ad3c494b5ff9dd85ab63b',4,1796033690372308,X'fd96f13c5cf7c20c00010300fdfe993a5cf7c20c00fd1e9d3a5cf7c20c0002000000000135110001');
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
INSERT INTO campaign VALUES(1,'a91bfc79-5296-51b3-a1eb-e25612f7931e','indicator','1','vond.example',0,1796033690372308,1796033689887883,1796033690291855,1796033690372308,0);
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
INSERT INTO incident VALUES(1,'d97d077f-f585-55de-9940-a68debd8411b',1,'indicator','1','vond.example',0,1,1796033689960618,1796033689887883,1796033689888283,1796033689960618);
INSERT INTO incident VALUES(2,'2c8332c2-b673-54a4-98a7-72e577293be6',2,'indicator','1','vond.example',0,1,1796033690372308,1796033690291455,1796033690291855,1796033690372308);
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
    incident_id        BIGINT REFERENCES incident (id), hosts BIGINT, verdict TEXT, verdict_reason TEXT, verdict_at BIGINT, judgement_id BIGINT,
    UNIQUE (sensor_id, epoch, seq)
);
INSERT INTO alert VALUES(1,'1e2c6797-c633-5e05-ac42-3d9ba09625de',1,'4cb74af03b6128c651f2f121fcbb442d',3,1,0,1,1,'H-02G74WFT3PDXC',0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1796033689887883,1796033689888283,1,NULL,1796033689960618,1796033689960618,1,1,NULL,'confirmed','sett på maskinen',1795000000000000,1);
INSERT INTO alert VALUES(2,'81cd28f7-db6f-53d4-be95-b6159299587b',2,'7a00f785a28ad3c494b5ff9dd85ab63b',3,2,0,1,1,NULL,0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1796033690291455,1796033690291855,1,NULL,1796033690372308,1796033690372308,1,2,3000,NULL,NULL,NULL,NULL);
CREATE TABLE sensor_event (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT   NOT NULL,           -- JSON
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO sensor_event VALUES(1,'4cb74af03b6128c651f2f121fcbb442d',1,1796033689938002,1796033689951535,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(1,'4cb74af03b6128c651f2f121fcbb442d',2,1796033689955905,1796033689957292,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'7a00f785a28ad3c494b5ff9dd85ab63b',1,1796033690302576,1796033690353381,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(2,'7a00f785a28ad3c494b5ff9dd85ab63b',2,1796033690366769,1796033690372308,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'7a00f785a28ad3c494b5ff9dd85ab63b',0,1796033690377180,1796033690377180,'{"event":"two_live","greeted_at":null}');
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
INSERT INTO sensor_mark VALUES(1,1,'418d73873d01207ab7163880a7f4b833',NULL,1796033689944403);
INSERT INTO sensor_mark VALUES(2,1,'bde85c282ac0f889d93459ec2b055b6e',NULL,1796033690343100);
CREATE TABLE root_document (
    version  INTEGER PRIMARY KEY,
    document BLOB    NOT NULL,
    expires  BIGINT  NOT NULL,
    kept_at  BIGINT  NOT NULL
);
INSERT INTO root_document VALUES(1,X'7b227369676e6564223a7b2276657273696f6e223a312c2265787069726573223a22323032372d31312d33305431303a31343a34392e3335333433335a222c226b657973223a7b226132623165333536373263383130323930656536386163336536616139363535223a2237653831393933316135316131376637376366663664363534633565353565363666353565666438643031336438616562656533623063626662666337336231222c226233393738643931333633613165316338343638373032666338306530356666223a2236366362323563396132653561363633396332613532646334356365393261646464656239353364376163616334633538336266626532313134633831643730222c226466313233366134366637396431376165663532343539333730666437363737223a2264353462626233643165636666646236383036643362313639346665383435393039383035356638303230613139643664313237316334363530663665613830222c226538326163303636343339393633663063336461366539353139313233373230223a2233333634323037376131396164376463383863306636636532383361336431643065633265613366353066396232616531646466646264353534326539353833222c226538623937653134666335633066386163643632663235653739373662393463223a2231376235376433353530643235613264396566326434383335653066386663663134663938633037323831373136323331383965626337323230626136356136227d2c22726f6c6573223a7b22726f6f74223a7b226b657973223a5b226538326163303636343339393633663063336461366539353139313233373230225d2c227468726573686f6c64223a317d2c226c697374223a7b226b657973223a5b226538623937653134666335633066386163643632663235653739373662393463225d2c227468726573686f6c64223a317d2c2274696d657374616d70223a7b226b657973223a5b226233393738643931333633613165316338343638373032666338306530356666225d2c227468726573686f6c64223a317d2c2268756e74223a7b226b657973223a5b226132623165333536373263383130323930656536386163336536616139363535225d2c227468726573686f6c64223a317d2c226272616b65223a7b226b657973223a5b226466313233366134366637396431376165663532343539333730666437363737225d2c227468726573686f6c64223a317d7d2c226361223a5b2261383538376661633234653636666461636634383930323638613361393666363666613661353636313463363239346561366439373132633332653463353263225d7d2c227369676e617475726573223a5b7b226b6579223a226538326163303636343339393633663063336461366539353139313233373230222c227369676e6174757265223a223935626430633131643333376438643263353034323738663632356539373832323565303162666131313735313135376461353866356430366532353931616434383335366137306433343635386230343430326136663266656139363862666535333832653636636132656364623037373636616338396439383837633031227d5d7d',1827569689353433,1796033689415561);
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
INSERT INTO audit VALUES(1,1796033689348006,'root','init','the collector','','nothing','made in /tmp/.tmpn6NTOd/collector',NULL,NULL,X'496efe2bee6cd42a3dd6d66a436f2fff33aa167a3df4e09a7c56faa6a4259f99');
INSERT INTO audit VALUES(2,1796033689349966,'root','init','setting operator_name','','not set','Prøve-CSIRT',NULL,NULL,X'312945e7dfa298892a5defd7184dba2930f3a093b21432985dfa8f62943c4594');
INSERT INTO audit VALUES(3,1796033689351577,'root','init','setting address','','not set','127.0.0.1:26984',NULL,NULL,X'44a09d7a0f8cc441917b97dea9eb4ff5df27d8a9d30d53a84c519b01888f8329');
INSERT INTO audit VALUES(4,1796033689414161,'root','run','the collector','','not run by a version that has an audit','quic 127.0.0.1:26984, enroll 127.0.0.1:26985, web 127.0.0.1:0, tcp 127.0.0.1:26984, approve_sensors false, heartbeat none',NULL,NULL,X'1acfab6fb0b3e8ed88ef3370e7966abb58ce0116fb7eedbadf0b2ddfda30bad5');
INSERT INTO audit VALUES(5,1796033689483689,'root','member add','member 3407',' 3407 ','no member','Gjøvik',NULL,NULL,X'256cfceedb93746132f6c523cff41c4a9c299c1bbb33656cb87b87de695b693a');
INSERT INTO audit VALUES(6,1796033689495056,'root','member add','member 0301',' 0301 ','no member','Oslo',NULL,NULL,X'0a2e1483fa397f8a0674e63754626acc07097ab67cd8342e01cae8d71f9316ce');
INSERT INTO audit VALUES(7,1796033689600273,'root','indicator import','indicators','','','import.txt, 13 bytes, SHA-256 fcbd3b6618b395ecfa4ae2b2d951775d973cca23d9b7e3900d2db1fb8ff3644c, read as plain',NULL,NULL,X'3094bcb3e5f1d6bdc9c2a76f928099e2324ebfd53e1000ca06155de3b9d7d3a2');
INSERT INTO audit VALUES(8,1796033689716599,'root','publish','list 1','','no list of channel all in force','published for channel all: 1 indicators, content 3f9830322fbc331fdd6478c639463550ee316643807576bf638d772b0c4b3eb0, signed by e8b97e14fc5c0f8acd62f25e7976b94c',NULL,NULL,X'85e5ca36c2a958fd241326ad691f9aa2acd3b88b9f6bea9c597112c1f6fb0f3e');
INSERT INTO audit VALUES(9,1796033689742571,'root','sensor token','member 3407',' 3407 ','Gjøvik','a token for a new sensor, good until 2026-12-03 10:14:49Z',NULL,NULL,X'c99273ac991482750caa8276f55d042d94af078d4c0d3f111193db5f2fa44711');
INSERT INTO audit VALUES(10,1796033690103152,'root','sensor token','member 0301',' 0301 ','Oslo','a token for a new sensor, good until 2026-12-03 10:14:50Z',NULL,NULL,X'aaadfc60f50c23847c4e19fe29fdf1eee9e340904ef876a07cd36bdfe53c6526');
CREATE TABLE former_number (
    number    TEXT   PRIMARY KEY,
    member_id BIGINT NOT NULL REFERENCES member (id),
    name      TEXT   NOT NULL,             -- what the member with this number was called
    until     BIGINT NOT NULL
);
INSERT INTO former_number VALUES('0502',1,'Gjøvik',1796033689483698);
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
INSERT INTO member_contact VALUES(1,'it','Kari Nordmann','+4761180011',NULL,NULL,1796033689483698);
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
INSERT INTO source VALUES(1,'import.txt',1796033689607348,1796033689607348);
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
INSERT INTO claim VALUES(1,1,1,'indicator--1',1795000000000000,NULL,80,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,1796033689607348,1796033689607348,NULL,NULL,NULL);
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
INSERT INTO clue VALUES(1,1,'indicator--1','file hash','da39a3ee',2,1796033689607348,1796033689607348);
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
COMMIT;

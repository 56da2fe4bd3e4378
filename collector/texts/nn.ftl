# Skjermtekstar, nynorsk. $n vel eintal og fleirtal, $shown er talet slik det blir skrive.
title-front = Oversikt
skip = Hopp til innhaldet
language = Språk
made = Slik det var
summary = Samandrag
back = ← Til oversikta
unknown = ukjent
none-yet = ingen enno
ago = for { $span } sidan
exercise = ØVING
of-total = { $count } av { $total }
of-hundred = { $n } av 100
more = og { $shown } til
cut = Viser { $shown } av { $total }, dei med siste treff først.
id-outside = Referanse i andre system:
footer-times = Tider er norsk tid; UTC når du held peikaren over.
footer-ungraded = Ugradert. Gradert informasjon skal ikkje leggjast inn her.
footer-map = Rutekart:
span-seconds = { $shown } s
span-minutes = { $shown } min
span-hours = { $n ->
    [1] 1 time
   *[other] { $shown } timar
}
span-days = { $n ->
    [1] 1 døgn
   *[other] { $shown } døgn
}
# Rundt kvar side
nav = Hovudmeny
nav-overview = Oversikt
nav-alerts = Alarmar
nav-incidents = Saker
nav-campaigns = Kampanjar
nav-indicators = Indikatorar
nav-advisories = Varsel
nav-members = Medlemmer
nav-sensors = Sensorar
nav-audit = Revisjon
nav-account = Konto
crumbs = Du er her
view = Vising
scheme = Fargar
scheme-auto = Som på maskina
scheme-light = Lyse
scheme-dark = Mørke
week = veke { $n }
statement = Tilgjengeerklæring
statement-none = Tilgjengeerklæring: adressa er ikkje sett. Set ho slik i collector.toml:
keys-title = Tastatursnarvegar
keys-switch = Bruk snarvegar på éin tast
keys-words = Valet blir hugsa i denne nettlesaren. Er snarvegane slått av, finn du lista under «Vising».
keys-close = Lukk
col-key = Tast
col-does = Gjer
key-next = Neste og førre rad
key-open = Opne rada
key-select = Merk rada; med Shift alle frå førre merkte
key-search = Gå til søket
key-go = Gå til { $part }
key-live = Set oppdateringa på pause, eller hald fram
key-help = Vis denne lista
key-close = Lukk, eller gå ut av rada
key-then = så
# Levande oppdatering
live-on = Blir oppdatert fortløpande
live-off = Mista sambandet med samlaren. Prøver igjen …
live-paused = Sett på pause
live-pause = Pause
live-resume = Hald fram
live-show = Vis
live-one = 1 ny endring
live-many = { $shown } nye endringar
live-updated = Sida er oppdatert:
live-new-one = 1 ny
live-new-many = { $shown } nye
live-moved = Noko har endra rekkjefølgje
live-poll = Blir oppdatert kvart halve minutt
# Samandraget
figure-campaigns = Moglege kampanjar
figure-campaigns-of = { $n ->
    [0] ingen saker enno
    [1] av 1 sak
   *[other] av { $shown } saker
}
figure-campaigns-of-closed = ingen opne saker
figure-closed = { $n ->
    [1] 1 lukka kampanje
   *[other] { $shown } lukka kampanjar
}
figure-exercises = { $n ->
    [1] i tillegg 1 i øving
   *[other] i tillegg { $shown } i øvingar
}
figure-hit = Medlemmer i kampanjar
figure-hit-of = { $n ->
    [0] ingen medlemmer enno
    [1] av 1 medlem
   *[other] av { $shown } medlemmer
}
figure-seeing = Kan sjå no
figure-sensors = Sensorar tilkopla
figure-sensors-of = { $n ->
    [0] ingen sensorar enno
    [1] av 1 sensor
   *[other] av { $shown } sensorar
}
figure-list = Nyaste liste
figure-list-indicators = { $n ->
    [1] 1 indikator
   *[other] { $shown } indikatorar
}
figure-list-of = { $indicators }; i kraft hos { $holding } av { $sensors } sensorar
# Kampanjar
campaigns = Moglege kampanjar
campaign-possible = Mogleg kampanje
campaign-confirmed = Kampanje
campaign-none = ingen kampanje
reach = { $hit } av { $able } medlemmer som kunne sjå det, er ramma. { $blind } av { $total } kunne ikkje sjå det.
reach-all = { $hit } av { $able } medlemmer er ramma. Alle { $total } kunne sjå det.
reach-reported = { $hit } medlemmer, av dei { $reported } melde av folk. { $seen } av { $able } som kunne sjå det, har treff; { $blind } av { $total } kunne ikkje sjå det.
reach-reported-blind = { $hit } medlemmer, av dei { $reported } melde av folk; ingen sensor kunne sjå det.
reach-reported-unseen = { $hit } medlemmer, av dei { $reported } melde av folk. Sensorar hos { $able } av { $total } kunne sjå det, og ingen av dei har sett det.
reach-own = De er ramma.
reach-own-others = De er ramma, og minst { $shown } andre medlemmer.
behind-supplier = bak { $supplier }
counted-shared = { $hit } medlemmer er { $independent } uavhengige: dei som er bak same fellesnett, tel éin gong, for eitt treff der kan visast hos alle.
counted-departed = { $n ->
    [one] Éin medlem som vart ramma, har gått ut sidan; av han er berre dette talet att.
   *[other] { $shown } medlemmer som vart ramma, har gått ut sidan; av dei er berre dette talet att.
}
blind-why = Kvifor nokon ikkje kan sjå:
blind-no-sensor = { $n ->
    [1] 1 medlem har ingen sensor
   *[other] { $shown } medlemmer har ingen sensor
}
blind-not-enrolled = { $n ->
    [1] hos 1 medlem var sensoren ikkje kopla til
   *[other] hos { $shown } medlemmer var sensoren ikkje kopla til
}
blind-revoked = { $n ->
    [1] hos 1 medlem er sensoren stengd ute
   *[other] hos { $shown } medlemmer er sensoren stengd ute
}
blind-silent = { $n ->
    [1] hos 1 medlem er sensoren stille
   *[other] hos { $shown } medlemmer er sensoren stille
}
blind-old-list = { $n ->
    [1] hos 1 medlem har sensoren ikkje fått lista
   *[other] hos { $shown } medlemmer har sensoren ikkje fått lista
}
blind-no-indicator = { $n ->
    [1] hos 1 medlem har sensoren ingen indikator å sjå det med
   *[other] hos { $shown } medlemmer har sensoren ingen indikator å sjå det med
}
blind-unseen = { $n ->
    [1] hos 1 medlem såg ikkje sensoren det som folk har meldt
   *[other] hos { $shown } medlemmer såg ikkje sensoren det som folk har meldt
}
blind-no-traffic = { $n ->
    [1] hos 1 medlem når ingen trafikk sensoren
   *[other] hos { $shown } medlemmer når ingen trafikk sensoren
}
scope = Omfang
hosts = { $n ->
    [1] 1 maskin
   *[other] { $shown } maskiner
}
hosts-none = inga maskin peika ut
hosts-about = { $n ->
    [1] om lag 1 maskin
   *[other] om lag { $shown } maskiner
}
hosts-together = { $n ->
    [1] mange maskiner (om lag 1)
   *[other] mange maskiner (om lag { $shown })
}
sightings = { $n ->
    [1] 1 treff
   *[other] { $shown } treff
}
indicators = Indikatorar
indicator-confidential = fortruleg indikator { $id }
members-in-order = Medlemmer i den rekkjefølgja dei vart ramma
concluded = Sett som kampanje
kind-domain = domene
kind-host = vertsnamn
kind-ipv4 = IPv4-adresse
kind-ipv6 = IPv6-adresse
kind-network = nettverk
# Kor langt det kom
evidence-unknown = ikkje kjent
evidence-blocked = stansa
evidence-looked-up = slått opp
evidence-answered = fekk adresse
evidence-attempted = prøvd kontakt
evidence-contacted = kontakt
evidence-data-out = data sende ut
evidence-step = trinn { $step } av 6
severity-info = Info
severity-low = Låg
severity-medium = Middels
severity-high = Høg
severity-critical = Kritisk
# Tomt
next-step = Neste steg:
nothing-no-members = Ingen kampanjar, for det er ingen medlemmer enno.
nothing-found = Ingen kampanjar. Treff hos 0 av { $able } medlemmer som kan sjå no ({ $total } i alt).
nothing-shared = Ingen kampanjar. { $incidents } saker, med treff hos { $hit } av { $total } medlemmer ({ $able } kan sjå no), men ingen av dei er delte av to uavhengige medlemmer.
next-member = legg til den første medlemmen med nummer og namn.
next-token = lag ein eingongskode for sensoren til den første medlemmen; han gjeld i 72 timar.
next-import = les inn ei liste med indikatorar.
next-publish = { $n ->
    [1] 1 indikator er lesen inn, men ikkje publisert til alle; publiser ei liste.
   *[other] { $shown } indikatorar er lesne inn, men ikkje publiserte til alle; publiser ei liste.
}
next-enroll = kople til ein sensor hos ein medlem med eingongskoden han har fått.
next-wait = ingen. Alle kan sjå, og sida seier frå når noko kjem.
next-sensors = få dei som ikkje kan sjå, til å sjå; sensorane står lenger ned.
# Saker
incidents = Saker
incidents-none = Ingen saker. Ei sak er alarmar hos éin medlem som har same indikator eller trussel.
alerts = Alarmar
alert-open = pågår
col-incident = Sak
col-member = Medlem
col-severity = Alvor
col-severity-listed = Alvor etter lista
col-evidence = Kor langt det kom
col-first = Først sett
col-last = Sist sett
col-first-last = Først og sist sett
col-hosts = Maskiner
col-sightings = Treff
col-campaign = Kampanje
col-host = Maskin
col-indicator = Indikator
col-server = Server
col-why = Kvifor
col-order = Nr.
col-kind = Slag
col-threat = Trussel
col-source = Kjelde
col-confidence = Tillit
col-number = Nummer
# Sensorar
sensors = Sensorar
sensors-none = Ingen sensorar. Lag ein eingongskode med «varde-collector sensor token NUMMER» og gi han til medlemmen.
col-sensor = Sensor
col-state = Tilstand
col-list = Liste i kraft
col-packets = Pakkar
col-dns = DNS-meldingar
col-flows = Straumar
col-losses = Tapt / avvist
col-last-packet = Siste pakke
col-spool = I kø / mista
col-version = Versjon
col-memory = Minne
sensor-connected = tilkopla
sensor-deaf = tilkopla, men døv: ingen pakke sidan
sensor-deaf-always = tilkopla, men døv: aldri ei pakke
sensor-dropping = mistar for mykje: { $dropped } av dei siste { $total } rammene
sensor-connected-tcp = tilkopla over TCP (UDP er sperra)
sensor-stalled = tilkopla, men utan livsteikn sidan
sensor-silent = stille sidan
sensor-never-came = kopla til, men aldri høyrt frå sidan
sensor-token-waits = ventar på å bli kopla til; eingongskoden gjeld til
sensor-token-expired = aldri kopla til; eingongskoden gjekk ut
sensor-waits-approval = ventar på godkjenning; orda er: { $words }
sensor-revoked = stengd ute
sensor-quarantined = i karantene: to maskiner brukar identiteten, sidan
sensor-shared = delt sensor
sensor-losses = { $dropped } tapt, { $refused } avvist
sensor-losses-least = minst { $dropped } tapt, { $refused } avvist
sensor-losses-unknown = tapt: ikkje kjent, { $refused } avvist
sensor-spool = { $waiting } i kø, { $lost } mista
list-none-published = inga liste er publisert
list-none = inga; nyaste er { $newest }
list-behind = { $held }; nyaste er { $newest }
list-unpublished = { $held }: aldri publisert her
list-newest = { $held } (nyaste)
list-channel = { $list }, kanal { $channel }
list-age = publisert for { $span } sidan
list-reach = Liste { $revision } gjeld hos { $inforce } av { $sensors } sensorar. Frå publisering til ho gjaldt: halvparten { $half }, 95 % { $most }, alle { $all }.
list-reach-after = etter { $span }
list-reach-not-yet = ikkje enno
# Tillit
col-root = Rotdokument
col-brake = Brems
trust-online = Listenøkkelen ligg på denne samlaren: den som tek over maskina, kan publisere lister.
trust-duty = Vaktnøkkel: listenøkkelen ligg ikkje her. Ei liste gjeld først når ein analytikar har signert ho på si eiga maskin.
trust-waits = Liste { $revision } ventar på signatur: { $count } indikatorar, { $added } nye, { $removed } går ut. Ingen sensor har ho enno.
trust-since = Sidan
trust-waits-next = Slik kjem ho i kraft:
rollout-pilot = Liste { $list } er hos pilotgruppa ({ $added } nye indikatorar) og går til alle når tida der er over.
rollout-sent = Liste { $list } går til pilotgruppa først ({ $added } nye indikatorar); ingen sensor der har ho enno.
rollout-silent = Liste { $list } VENTAR: ingen sensor i pilotgruppa som har ho i kraft, er tilkopla, så ingen kan seie kva ho treffer. Sjå på gruppa, eller publiser på nytt.
rollout-all = Liste { $list } har gått til alle etter pilotgruppa, og blir følgd med på.
rollout-stopped = LISTE { $list } STOPPA AV SEG SJØLV: indikator { $indicator } trefte for mykje. Han blir berre talt, og er teken ut av alle lister. Resten ventar på at nokon ser på ho. Samlaren seier:
rollout-urgent = HASTAR: liste { $list } gjekk til alle på éin gong. Grunn:
trust-root-ends = Rotdokument { $version } går ut
trust-root-ended = ROTDOKUMENT { $version } HAR GÅTT UT. Sensorane verkar som før, men det neste bør ikkje vente. Det gjekk ut
trust-root-next = Lag det neste:
trust-root-newest = { $held } (nyaste)
trust-root-held = { $held }
trust-root-behind = { $held }; nyaste er { $newest }
trust-root-ahead = { $held }, nyare enn samlaren sitt { $newest }: samlaren er henta attende frå ein eldre kopi. Ta det nyare rotdokumentet inn på nytt.
trust-root-refused = Sensoren avviste eit rotdokument, og det førre gjeld. Han seier:
trust-stale = Sensoren har ikkje høyrt på eit døgn kva liste som er nyast. Nokon kan halde lister attende, eller tidsnøkkelen (keys/timestamp.key) er borte.
trust-behind = Sensoren har høyrt om ei nyare liste enn den han får. Nokon kan halde ho attende.
trust-newest-refused = Sensoren trudde ikkje på kva liste som vart oppgjeven som nyast. Han seier:
brake-holds = Brems: indikator { $id } gjev ingen alarmar, treffa vert berre talde. Det sluttar av seg sjølv
brake-holds-exercise = Brems (øving): indikator { $id } gjev ingen alarmar, treffa vert berre talde. Det sluttar av seg sjølv
brake-over = Bremsen er over for indikator { $id }. Det slutta
brake-counted = Talt: { $matches } treff hos om lag { $hosts } maskiner, ved { $by } av { $total } sensorar; { $sensors } av { $total } har teke ordren.
brake-refused = Sensor { $sensor } avviste ein ordre. Han seier:
brake-reach = Bremseordre { $order } vert følgd av { $followed } av { $sensors } sensorar. Frå ordren til han vart følgd: halvparten { $half }, 95 % { $most }, alle { $all }.
brake-reach-ends = Ordre { $order }, som løyser bremsen, vert følgd av { $followed } av { $sensors } sensorar. Frå ordren til han vart følgd: halvparten { $half }, 95 % { $most }, alle { $all }.
sensor-brake-holds = Bremsar etter ordre { $order } sidan
sensor-brake-nothing = Bremsar ingenting etter ordre { $order } sidan
sensor-brake-not-yet = Følgjer ordre { $order } og enno ikkje { $newest }
sensor-brake-not-yet-any = Har enno ikkje teke ordre { $newest } og bremsar ingenting
sensor-brake-refuses = Avviste ordre { $newest } og går etter { $order } (0 = ingen). Avvist
sensor-brake-unable = Kjenner ingen brems og varslar som før; oppdater varde-agent der
list-refused = Avvist:
# Ein sensor
health-heard = Siste livsteikn
col-oldest = Eldste i kø
oldest-none = ingen i kø
col-replayed = Kom på nytt
replayed-none = ingenting
replayed-of = { $replayed } postar; ingen er lagra to gonger
col-clock = Klokke
col-certificate = Sertifikatet gjeld til
col-self-test = Siste prøve av seg sjølv
self-test-none = Inga har kome fram enno
clock-right = mindre enn eitt sekund frå vår
clock-ahead = { $span } framfor vår
clock-behind = { $span } bak vår
uplink-quarantined = To maskiner brukar identiteten til denne sensoren. Ingen av dei blir høyrde før du har funne ut kva for ein som er kopien, stansa han og sleppt sensoren fri med «varde-collector sensor release NUMMER». Det begge har funne, tek dei vare på sjølve.
uplink-set-back = Ein eldre tilstand av denne sensoren melde seg: disken er gjenoppretta, eller ein kopi køyrer ein stad. Han fekk melding om å byrje på nytt, og ingenting blir talt to gonger. Sist:
uplink-not-renewed = Sertifikatet skulle vore fornya, og er det ikkje. Sensoren har ikkje bede om det: han er ikkje tilkopla, eller programmet er av ei eldre utgåve og må oppdaterast. Når sertifikatet går ut, kjem han ikkje inn.
uplink-not-renewed-refused = Sertifikatet skulle vore fornya, og er det ikkje. Siste svar var: { $why }. Når sertifikatet går ut, kjem sensoren ikkje inn.
# Driftssaker: det som hindrar ein sensor i å sjå eller i å bli høyrd
silence-title = Driftssaker
silence-words = Det som hindrar sensorar i å sjå eller i å bli høyrde. Dei er ikkje tryggleikssaker. Blir lagra i 13 månader; dei nyaste blir viste.
silence-none = Ingen driftssaker er funne.
silence-stands = går føre seg
silence-unheard = Ingen livsteikn frå sensoren. Sjekk at maskina er på, at ho når samlaren, og at tenesta varde-agent går.
silence-stalled = Sambandet står, men sensoren seier ingenting. Sjekk maskina og linja.
silence-deaf-ever = Ingen pakkar har kome fram til sensoren. Sjekk speglinga, kabelen og kva grensesnitt som står i agent.toml.
silence-deaf = Ingen pakkar kjem fram til sensoren lenger; { $packets } vart lesne før det. Sjekk speglinga og kabelen.
silence-dropping = For mykje går tapt før det blir lese: på det verste { $dropped } av { $total } rammer på to minutt. Sjekk lasta på maskina, eller del trafikken på fleire sensorar.
silence-no-list = Inga liste er i kraft hos sensoren; den nyaste er { $newest }. Hendingane til sensoren seier om han har avvist ho.
silence-old-list = Liste { $held } er i kraft hos sensoren; den nyaste er { $newest }. Hendingane til sensoren seier om han har avvist ho.
silence-list-over = Liste { $held } er den nyaste, og tida hennar er ute. Sensoren bruker ho framleis; publiser på nytt.
silence-clock-ahead = Klokka til sensoren går { $span } framfor klokka til samlaren, på det meste. Sjekk tidssynkroniseringa (NTP) på begge.
silence-clock-behind = Klokka til sensoren går { $span } bak klokka til samlaren, på det meste. Sjekk tidssynkroniseringa (NTP) på begge.
silence-one-client = Alle { $alerts } treff på 30 dagar, på { $indicators } indikatorar, er frå éi maskin. Anten er det ein resolver eller proxy som sensoren ikkje kjenner, og då ser han ikkje maskinene bak; eller så er det verkeleg éi maskin.
silence-one-resolver = Alle { $alerts } treff på 30 dagar er eigne oppslag frå ein resolver: sensoren ser ikkje maskinene som spurde. Spegl trafikken mellom dei og resolveren.
silence-one-way-out = Spegelporten gir berre den eine retninga, det som går ut: i { $alone } av { $total } samband vart berre maskina på innsida høyrd. Set speglinga til begge retningar (rx og tx), eller spegl den andre linja òg.
silence-one-way-in = Spegelporten gir berre den eine retninga, det som kjem inn: i { $alone } av { $total } samband vart berre den på utsida høyrd. Set speglinga til begge retningar (rx og tx), eller spegl den andre linja òg.
silence-one-way = Spegelporten gir berre den eine retninga: i { $alone } av { $total } samband vart berre den eine enden høyrd. Set speglinga til begge retningar (rx og tx), eller spegl den andre linja òg.
silence-one-way-questions = Sensoren ser DNS-spørsmål og nesten ingen svar: { $alone } av { $total } var utan. Spegelporten gir berre den eine retninga, eller namnetenarane svarer ikkje. Set speglinga til begge retningar (rx og tx).
silence-one-way-responses = Sensoren ser DNS-svar og nesten ingen spørsmål: { $alone } av { $total } var utan. Spegelporten gir berre den eine retninga. Set speglinga til begge retningar (rx og tx).
silence-narrowed = Innstillingane hos sensoren utelèt meir enn før: { $sizes }. IT hos medlemmen ser i agent.toml og på kommandolinja kva det er; kva adresser det gjeld, blir ikkje sendt. Er det rett, godtek responsmiljøet det med varde-collector silence accept.
silence-altered = Innstillingane hos sensoren er andre enn før: grensesnitt, nett eller adresser, { $sizes }. Om han ser mindre, kan ikkje avgjerast herifrå. IT hos medlemmen ser i agent.toml og på kommandolinja kva det er; kva adresser det gjeld, blir ikkje sendt. Er det rett, godtek responsmiljøet det med varde-collector silence accept.
narrowed-sources = grensesnitt og filer som blir lesne: { $before } før, { $after } no
narrowed-shares = trafikken blir no delt med andre prosessar
narrowed-inside-v4 = IPv4-adresser som blir rekna som innanfor: { $before } før, { $after } no
narrowed-inside-v6 = IPv6-nett (/64) som blir rekna som innanfor: { $before } før, { $after } no
narrowed-resolvers = adresser som blir rekna som resolverar: { $before } før, { $after } no
narrowed-sinkholes = adresser som blir rekna som stoppsider: { $before } før, { $after } no
narrowed-dns-ports = portar der DNS blir lese: { $before } før, { $after } no
narrowed-data-out = oktettar før det heiter at data går ut: { $before } før, { $after } no
narrowed-frequent-hosts = maskiner før dei blir varsla samla (0 = aldri): { $before } før, { $after } no
narrowed-others = like mange som før, men andre
silence-times = { $n ->
    [1] Det tok til 1 gong.
   *[other] Det tok til { $shown } gonger.
}
events-title = Det sensoren har meldt
events-words = Kva som har hendt sensoren, det nyaste øvst. Blir lagra i 90 dagar; det som er mista, og merknader om kopiar, i 13 månader.
events-none = Sensoren har ikkje meldt noko dei siste 90 dagane.
events-more = { $n ->
    [1] 1 melding til; sjå ho med
   *[other] { $shown } meldingar til; sjå dei med
}
told-lost-title = Meldt mista siste 13 månader
told-lost-none = ingenting
told-lost = { $records } postar: { $reasons }
told-lost-least = minst { $records } postar: { $reasons }
lost-full = køen eller disken var full
lost-aged = ingen henta dei i tide
lost-damaged = lét seg ikkje lese lenger
lost-gone = sensoren hadde dei ikkje lenger etter at samlaren vart lagd tilbake: sleppte etter 72 timar, eller skadde
lost-set-aside = dei låg i ein kø som var lagd til side på disken til sensoren, ingen hadde dei, og tida deira der er ute
lost-set-aside-or-sent = dei låg i ein kø som var lagd til side, tida deira der er ute, og nokre av dei kan ha kome fram før
lost-other = ein grunn som ikkje er kjend her
event-started = Programmet starta, versjon { $version }.
event-list-in-force = Liste { $revision } er i kraft, { $indicators } indikatorar.
event-list-refused = Liste { $revision } vart avvist, og den førre gjeld: { $why }
event-spool-damaged = Køen på disken var skadd; { $octets } byte er lagde til side på sensoren.
event-unread-ended = Av det som ikkje lét seg lese på disken, er { $octets } byte fjerna: tida deira er ute, og ingen veit kva dei var.
event-indicator-demoted = Indikator { $indicator } trefte for mange: om lag { $hosts } maskiner og { $matches } treff. Sensoren melder fleire maskiner samla, i éin alarm utan namn, i høgst eit døgn, eller til ei liste seier noko anna om han. Ingenting manglar i talet.
event-indicator-told-again = Sensoren melder ikkje lenger maskiner som treffer indikator { $indicator }, samla.
event-self-test = Sensoren prøvde seg sjølv, og prøva kom heilt fram. Ho tel ikkje som alarm.
event-at-site = Stad { $site }:
event-loss = { $records } postar er mista ({ $from } til { $to }): { $why }.
event-loss-of = Dei var: kritisk { $critical }, høg { $high }, middels { $medium }, låg { $low }, info { $info }, anna { $other }.
event-unknown-alert = Det kom meir om alarm { $alert }, som ikkje er kjend her. Posten er lagra, utan alarm; treff i han: { $count }.
event-unknown-indicator = Treff på indikator { $indicator }, som ikkje er kjend her; han kan ha kome til etter kopien som vart lagd tilbake. Posten er lagra, utan alarm.
event-unknown-site = Treff på stad { $site }, som ikkje er ein av stadene til denne sensoren: agent.toml nemner han, eller postane er frå ein tidlegare sensor. Posten er lagra, utan alarm.
event-unreadable-record = Ein post på { $octets } byte i ei form denne samlaren ikkje kjenner: frå ein nyare sensor, eller skadd. Han er lagra slik han kom, utan alarm.
event-held-back = Han sende meir enn éin sensor nokon gong har å melde, og det han sender, blir no teke imot langsamt. Er det ingen storm av treff som forklarer det, kan nokon andre ha nøkkelen: vurder å trekkje han tilbake.
event-unpublished-list = Han kom med ei liste som aldri er publisert her: nummeret er høgare enn alle herifrå. Anten er samlaren lagd tilbake frå ein kopi og har ikkje publisert sidan, eller så har nokon signert ho med ein stolen listenøkkel: sjå «listenøkkelen er stjålet» i rettleiinga.
event-thrown-out = Han braut reglane for samtalen gong på gong, og slepp ikkje til på ei stund kvar gong, høgst fem minutt. Har begge programma same versjon, kan nokon andre ha nøkkelen: vurder å trekkje han tilbake.
event-two-live = To maskiner brukar identiteten til sensoren: éi kom som var helsa på før, medan ei anna var helsa på sidan. Ingen av dei blir høyrde før sensoren er sleppt fri.
event-token-reused = Nokon kom med ein eingongskode som var brukt før. Nokon andre har meldinga han vart send i, eller han vart prøvd to gonger: spør medlemmen, og lag ein ny om de er i tvil.
event-token-guessed = Nokon prøvde å kople til med dette nummeret utan å kjenne løyndomen i eingongskoden: ein kode som er kopiert feil, eller ei gjetting.
event-ended-key = Nokon kom med ein nøkkel denne sensoren hadde før sertifikatet vart fornya. Han vart avvist. Ein eldre kopi av maskina er starta, eller nøkkelen er teken: spør medlemmen.
event-replaced-again = Ei ny økt tok plassen til den som stod, for tredje gong innan ein time eller meir. Nettet fell ut, eller han vert starta om att og om att; er det ikkje slik, har nokon andre nøkkelen: spør medlemmen.
event-silent-again = Gong på gong har nokon vist nøkkelen til denne sensoren og så ikkje sagt noko. Er det ingen brannmur på vegen som slepp QUIC til og stansar resten, har nokon andre nøkkelen: spør medlemmen, og vurder å trekkje han tilbake. Sensoren si eiga økt tek ikkje skade av det.
event-foreign-site = agent.toml på sensoren nemner ein stad han ikkje kan melde for. Økta vart avslutta, og han tek vare på det han finn. Anten skal han få staden (sensor site add), eller så er nummeret i agent.toml feil.
event-mark-unknown = Sensoren sa eit merke denne samlaren ikkje hugsar å ha gitt. Slik er det etter at samlaren er lagd tilbake frå ein kopi.
event-mark-missing = Sensoren har ikkje lenger merket han fekk; nokon kan ha tømt mappa med køen.
event-set-back = Ein eldre tilstand av sensoren melde seg: han ville gå vidare frå post { $next }, men { $committed } var lagra. Han fekk melding om å byrje på ein ny kø, og ingenting blir talt to gonger. Vart ikkje disken gjenoppretta, køyrer ein kopi ein stad.
event-renewed = Sensoren vart sleppt fri frå karantene og byrjar på ein ny kø, så ingen nummer tyder to ting.
event-epoch-changed = Sensoren går vidare med ein annan kø enn sist: ein ny, eller ein gammal igjen.
event-other = Noko denne samlaren ikkje har ord for: { $kind }.
health-title = Det sensoren ikkje fekk lese
health-words = Tal sidan sensoren starta.
health-unknown = Sensoren har ikkje sagt noko om tap og blindsoner enno.
health-dropped = Tapt før dei vart lesne
health-dropped-of = { $dropped } av { $total } rammer
health-dropped-unknown = Ikkje kjent
health-drops-unknown = { $unknown } av { $sources } kjelder kan ikkje seie kva kjernen har kasta; talet kan vere for lågt.
health-refused = Let seg ikkje lese
health-refused-of = { $refused } rammer og meldingar; { $packets } pakkar er lesne
health-evicted = Sleppt fordi ein tabell var full
col-reason = Årsak
col-meaning = Kva det tyder
col-count = Tal
reason-cut = avkorta: slutten kom ikkje med
reason-broken = bryt formatet det gjev seg ut for
reason-limit = over ei grense sensoren held
reason-unread = ein type sensoren ikkje les
reason-piece = eit stykke mangla
reason-other = anna
evicted-none = ingenting; ingen tabell har vore full
evicted-flows = { $n ->
    [1] 1 straum
   *[other] { $shown } straumar
}
evicted-streams = { $n ->
    [1] 1 TCP-samband med DNS
   *[other] { $shown } TCP-samband med DNS
}
evicted-pairings = { $n ->
    [1] 1 spørjing som venta på svar
   *[other] { $shown } spørjingar som venta på svar
}
evicted-fragments = { $n ->
    [1] 1 fragment
   *[other] { $shown } fragment
}
evicted-folding = { $n ->
    [1] 1 open alarm, lukka før tida
   *[other] { $shown } opne alarmar, lukka før tida
}
evicted-answers = { $n ->
    [1] 1 hugsa svar
   *[other] { $shown } hugsa svar
}
evicted-other = { $n ->
    [1] 1 anna oppføring
   *[other] { $shown } andre oppføringar
}
blind-title = Det sensoren ikkje kan sjå
blind-words = Kryptert namneoppslag og skjulte namn går forbi sensoren. Tal sidan han starta; den første timen verkar fleire straumar uforklarte enn dei er.
blind-flows-none = Ingen straum har gått ut av nettet enno.
blind-encrypted-dns = Kryptert DNS: { $encrypted } av { $flows } straumar ut ({ $dot } DoT, { $doq } DoQ, { $doh } DoH til kjende opne namnetenarar).
blind-unexplained = Uforklart: { $unexplained } av { $flows } straumar ut gjekk til adresser som ikkje stod i noko svar sensoren har sett.
blind-hellos-none = Inga TLS-opning er lesen enno.
blind-ech = Skjult namn: { $ech } av { $hellos } TLS-opningar bar eit kryptert indre namn, ekte eller som dekke (ECH).
blind-resolver-names = Kjende opne namnetenarar: { $named } av { $hellos } TLS-opningar galdt ein av dei.
# Kart
map = Medlemmene
map-hit = i ein open kampanje
map-alone = eiga sak
map-quiet = kan sjå; ingenting ope
map-blind = kan ikkje sjå no
map-none = ikkje medlem
map-table = Vis som tabell
# Ein kampanje
why-title = Kvifor ser eg dette?
why-possible = «Mogleg» til eit menneske har sett på han: samanfallet er rekna ut, ikkje stadfesta.
link-indicator = Sakene er førte saman fordi uavhengige medlemmer har treff på same indikator: { $what }.
link-own-threat = Alarmane er på same trussel: { $what }.
link-own-indicator = Alarmane er på same indikator: { $what }.
link-own-several = Alarmane er på fleire truslar eller indikatorar og er førte saman fordi same maskin har møtt dei. Den første er { $what }.
link-reported-threat = Meld av ein person, om trusselen { $what }.
link-reported-indicator = Meld av ein person, om indikatoren { $what }.
link-threat = Sakene er førte saman fordi uavhengige medlemmer har treff på same trussel: { $what }.
word-why-title = Kvifor dette ordet?
word-version = Vege etter { $version }.
word-own = Det alvorlegaste ordet blant dykkar eigne saker i han.
word-unweighed = Ikkje vege enno: ordet er det mest alvorlege lista seier.
word-again = Ordet blir vege på nytt om litt, for noko er endra; til då står det frå før.
likely-low = låg
likely-medium = middels
likely-high = høg
level-low = lågt
level-medium = middels
level-high = høgt
term-confidence = kjelda er { $value } av 100 sikker, som er { $grade }: { $points }
term-evidence = så langt kom det: { $value }: { $points }
term-evidence-said = så langt kom det, seier dei som har meldt det: { $value }: { $points }
term-reported = meldt av ein person; blir rekna som { $value } tryggleik: { $points }
term-evidence-unknown = ingen har sagt kor langt det kom: { $points }
term-confirmed = eit menneske har stadfesta det: { $points }
term-unconfirmed = det folk melder og ingen har stadfesta, er ikkje meir enn middels sannsynleg
term-assumed = alvor, teke for gitt for det folk melder: { $value }: { $points }
term-persistent = kontakt i fast takt, som frå eit program: { $points }
term-address-only = kontakt med adressa åleine, ikkje med namnet: { $points }
term-verdicts = kjeldene har fått rett { $confirmed } gonger og teke feil { $refuted }: { $points }
term-low-confidence = når sikkerheita er låg, er ingenting meir enn lite sannsynleg
term-medium-confidence = når sikkerheita er middels, er ingenting meir enn middels sannsynleg, om ikkje kjeldene oftast har fått rett
term-blocked = alt vart stansa: skade er lite sannsynleg
term-noise = føreslått som støy: lite sannsynleg
term-mere-list = når berre ei rein liste nemner det, er ingenting meir enn middels sannsynleg, kva lista enn seier om seg sjølv
term-likelihood = Sannsyn: { $value } ({ $points } poeng)
term-zone = høgaste konsekvensnivå i ei sone er { $value }: { $points }
term-severity = alvor etter lista: { $value }: { $points }
term-members = { $value } uavhengige medlemmer fekk svar, og sikkerheita er høg: { $points }
term-consequence = Konsekvens: { $value } ({ $points } poeng)
term-critical-by-name = Kritisk: kontakt med namnet, i ei sone med høgt konsekvensnivå
term-critical-by-members = Kritisk: { $value } uavhengige medlemmer fekk svar, og det er ikkje føreslått som støy
term-not-critical = Tabellen seier kritisk, men ingen av dei to vegane dit er gått; derfor høg
term-unvouched = Tabellen seier meir enn middels, men ingen står inne for det: inga sikker kjelde, ingen namngitt trussel, ingen kontakt i fast takt, ingen data ut, ikkje kontakt hos fleire uavhengige medlemmer; derfor middels
term-said-apart = Det folk har meldt, er vege for seg, og blir ikkje meir enn det sensorane såg: { $value }
term-sensed-apart = Det sensorane såg, er vege for seg, og blir mindre enn det folk har meldt: { $value }
too-connected = Heng for mykje saman: noko som førte sakene saman, gjeld ikkje lenger, eller det er for mange ulike ting her.
too-connected-topics = Han handlar om for mange ulike ting.
too-connected-threat = Trusselen { $value } er funnen å vere ei rein liste, og fører ikkje lenger saman.
too-connected-address = For mange ulike ting fører til adressa { $value }, og ho fører ikkje lenger saman.
too-connected-indicator = Indikatoren { $value } er foreslått som støy, og fører ikkje lenger saman.
too-connected-indicator-upheld = Indikatoren { $value } er støy, seier { $who }, og fører ikkje lenger saman.
too-connected-host = Ei maskin hos { $value } har møtt for mange ulike ting på ein gong til å vere éi, og fører ikkje lenger saman.
too-connected-gone = Ei maskin som hadde møtt for mange ulike ting på ein gong til å vere éi, førte saman; treffa hos henne er sletta.
too-connected-other = Dette fører ikkje lenger saman: { $value }.
too-connected-lift = Er det feil, blir det oppheva med
too-connected-split = Delane han ville falle i, blir viste av
bonds-title = Kva sakene har felles
bond-threat = { $n } saker har same trussel: { $value }
bond-indicator = { $n } saker har same indikator: { $value }
bond-contact = i { $n } saker var det kontakt med same indikator: { $value }
bond-address = i { $n } saker førte lista namn til same sjeldne adresse: { $value }
bond-domain = { $n } saker har namn under same domene: { $value }
bond-off = (fører ikkje lenger saman)
scale-several = Fleire medlemmer er råka.
scale-sector = Råkar heile sektoren: ein stor del av dei som kunne sjå det, har det.
spread = Spreiing over tid
spread-axis = norsk tid, kl.
spread-words = Kvar linje er ein medlem, frå første til siste treff; kvar prikk er ein alarm som byrja. Tabellen under seier det same.
spread-left-out = { $n ->
    [1] 1 medlem til står berre i tabellen.
   *[other] { $shown } medlemmer til står berre i tabellen.
}
why-inbound = kom utanfrå
why-labels-left = { $n ->
    [1] eit namn under det lista (1 ledd til venstre)
   *[other] eit namn under det lista ({ $shown } ledd til venstre)
}
why-together = fleire maskiner på ein gong enn det blir meldt om éi for éi; talet er omtrentleg, og dei som har eigen alarm, er med i det
why-by-resolver = namnetenaren spurde på vegner av nokon; eit spor, ikkje eit offer
why-looked-up-by-other = maskina er funnen ved trafikken; namnet vart slått opp av ei anna
why-possible-contact = mogleg kontakt: adressa er delt med andre namn
why-regular = fast takt: { $contacts } kontaktar, oftast { $span } mellom dei
why-zone = sone { $zone }
why-list = liste { $revision } i kraft hos sensor { $sensor }
verdict-false-positive = vurdert som falsk alarm: { $reason }; indikatoren er trekt tilbake
verdict-legitimate = vurdert som legitim trafikk: { $reason }
verdict-confirmed = vurdert som stadfesta: { $reason }
# Når noko ikkje går
missing-title = Finst ikkje
missing-words = Adressa peikar ikkje på noko her. Kampanjen eller saka kan vere sletta etter lagringstida; gå til oversikta.
room-full = Disken til databasen er full: ingenting nytt blir lagra.
room-full-next = Gjer plass på han. Ingenting går tapt så lenge: sensorane held på det dei har, og det blir teke inn av seg sjølv så snart det er plass.
broken-title = Fekk ikkje svar
broken-words = Samlaren fekk ikkje lese databasen. Prøv igjen om litt; varer det, står årsaka i loggen til varde-collector.

unnoted-title = Blir ikkje vist
unnoted-words = Sida viser maskiner hos ein medlem, og at ho blir vist, kunne ikkje skrivast i revisjonsloggen. Difor blir ho ikkje vist. Er disken full, gjer plass; elles står årsaka i loggen til varde-collector.

deletion-title = SLETTESTADFESTING
deletion-whose = Medlem: { $name } ({ $number })
deletion-former = Tidlegare nummer: { $numbers }
deletion-by = Sletta av { $operator } { $at } med varde-collector { $program }
deletion-what = Dette er sletta og skrive over i databasen:
deletion-what-in-log = Dette er sletta. Nokon las i databasen samstundes, så det står framleis i loggfila til databasen, og blir skrive over der når dei er ferdige:
deletion-members = medlemmer (han sjølv og dei som var slegne saman med han)
deletion-contacts = kontaktar
deletion-addresses = domene og nett
deletion-sensors = sensorar, alle sperra, med nøklar og historikk
deletion-sites = stader på sensorane til andre
deletion-accounts = kontoar på sidene
deletion-alerts = alarmar
deletion-incidents = saker
deletion-records = postar frå sensorane
deletion-heartbeats = livsteikn
deletion-events = hendingar på sensorane
deletion-kept = Dette er att:
deletion-kept-departure = at ein medlem gjekk ut på dette tidspunktet, utan namn og nummer, så ein eldre kopi som blir lagd tilbake, blir sletta på nytt
deletion-kept-audit = namnet og numra i revisjonsloggen, der det står kven som gjorde kva: innslag blir fjerna når dei er 24 månader gamle, dei siste etter { $until }
deletion-kept-campaigns = { $n ->
    [one] i éin kampanje: at éin medlem til vart ramma
   *[other] i { $shown } kampanjar: at éin medlem til vart ramma
}
deletion-backups = Tryggingskopiar frå før slettinga inneheld framleis dataa. Dei blir ikkje tekne vare på lenger enn til { $until }. Blir ein av dei lagd tilbake før det, slettar programmet medlemmen på nytt.
deletion-copies = Kopiar i datamappa til samlaren frå før slettinga, som òg blir fjerna, av samlaren sjølv seinast 35 døgn etter at dei vart laga: { $copies }
deletion-sensor = På medlemmen si eiga maskin blir sensoren sletta med: varde-agent wipe
deletion-exported = Dette vart levert ut før slettinga (SHA-256 og fil):

beat-begins = Livsteikn frå samlaren skal sendast til
beat-arrives = Livsteikn frå samlaren kjem fram til
beat-fails = LIVSTEIKN FRÅ SAMLAREN KJEM IKKJE FRAM til den som skal slå alarm om han døyr.

source-held = Halde tilbake, for ho har brått mykje mindre enn før, eller seier noko heilt anna: kjelda
source-fails = Kan ikkje hentast: kjelda
source-good = Sist henta
source-never = Aldri henta

member-former = Heitte { $name } ({ $number }) til { $until }
member-language = Målform
member-bokmaal = bokmål
member-nynorsk = nynorsk
member-neutral = nøytral
member-covered = Digitaltryggleikslova
member-covered-yes = gjeld
member-covered-no = gjeld ikkje
member-covered-unknown = ikkje kjent
member-supplier = Leverandørnett
member-supplier-none = ingen
member-domains = Domene
member-networks = Nett på internett
member-none-known = ingen kjende
member-contacts = Kontaktar
member-contacts-none = Ingen kontaktar er kjende.
member-contacts-first = Legg inn den første under «Endre».
member-sites = Sensorar som ser nettet til medlemmen
member-sites-none = Ingen sensor ser nettet til denne medlemmen.
role-it = IT-drift
role-security = Tryggleik
role-oncall = Vakt
role-management = Leiing
role-privacy = Personvernombod
col-role = Rolle
col-name = Namn
col-telephone = Telefon
col-out-of-hours = Utanom kontortid
col-email = E-post
col-confirmed = Sist stadfesta
contact-never-confirmed = aldri stadfesta
contact-confirmed-long-ago = for over eit år sidan
site-home = eige nett
site-own = eige nett, stad { $site }
site-of-other = stad { $site } på sensoren til { $owner }
site-revoked = Sensoren er sperra.
site-not-named = Staden er gitt, men sensoren har ikkje nemnt han: han manglar i agent.toml.
# Personvern: kor lenge det blir lagra
footer-privacy = Personvern
kept-title = Kor lenge det blir lagra
kept-words = Fristane programma sjølve slettar etter. Det som er eldre, blir borte innan ein time medan samlaren går; har klokka gjort eit hopp, går det seks timars verdi om gongen.
col-kept-what = Kva
col-kept-where = Kvar
col-kept-for = Kor lenge
kept-sensor = kommunen (sensoren)
kept-collector = responsmiljøet (samlaren)
kept-spool = Treff samlaren har stadfesta
kept-spool-waiting = Treff ingen har henta
kept-hosts = Kva maskin eit pseudonym står for
kept-alerts = Treff, saker og kampanjar
kept-counts = Talet på treff per medlem, type indikator, alvor og dag; aldri med maskin
kept-losses = Det sensorar har mist, og driftssaker
kept-heartbeats = Livsteikn, og det sensorane melder om seg sjølve
kept-sightings = Det kjelder har fått vite om sine eigne indikatorar
kept-audit = Revisjonsloggen, og kven som publiserte, trekte tilbake, tillét og bremsa
kept-accounts = Kontoar på sidene: namn, rolle, når dei sist var inne
kept-sessions = Økter på sidene: når dei byrja, når nokon sist var der, og kva nettlesar
kept-backups = Tryggleikskopiar
kept-hours = { $n ->
    [1] 1 time
   *[other] { $shown } timar
}
kept-days = { $n ->
    [1] 1 døgn
   *[other] { $shown } døgn
}
kept-months = { $n ->
    [1] 1 månad
   *[other] { $shown } månader
}
kept-member = til medlemmen går ut

# Arbeidet med saker og kampanjar.
work-title = Arbeidet
by-person = meldt av ein person
csirt-only = berre CSIRT
link-human = Ein person har meldt ho, og ho er ikkje knytt til nokon indikator eller trussel.
col-work-state = Status
col-owner = Ansvarleg
owner-none = ingen enno
state-new = ny
state-triaged = vurdert
state-confirmed = stadfesta hending
state-contained = under kontroll
state-closed-confirmed = lukka: stadfesta
state-closed-false-positive = lukka: falsk positiv
state-closed-legitimate = lukka: legitim trafikk
state-closed-duplicate = lukka: duplikat av { $of }
state-closed-duplicate-unnumbered = lukka: duplikat av ei anna sak
state-closed-exercise = lukka: øving
work-came-back = { $n ->
    [one] Ho har komme tilbake éin gong.
   *[other] Ho har komme tilbake { $shown } gonger.
}
work-grown = Det er kome fram meir etter at ho vart lukka, som lukkinga dekkjer.
measures-title = Tiltak
col-measure = Tiltak
col-when = Når
col-who = Kven
measure-planned = planlagt
measure-done = gjort
measure-not-applicable = ikkje aktuelt
clocks-title = Fristar etter lova
clocks-none = ingen går
clocks-help = Dette er hjelp, ikkje juridisk rådgjeving. Ein frist går her berre fordi ein person har sagt det.
clock-due = frist
clock-nsm = Varsel til NSM innan 24 timar (digitaltryggleikslova)
clock-datatilsynet = Melding til Datatilsynet innan 72 timar (personvernforordninga artikkel 33)
clock-left = { $span } att
clock-over = ute for { $span } sidan
clock-reported = meldt i tide
clock-reported-late = meldt etter fristen
clock-withdrawn = trekt: { $reason }
clock-not-discovered = Ingen har sagt når det vart oppdaga, så ingen frist går.
clock-not-covered = Medlemmen er ikkje omfatta av digitaltryggleikslova, så fristen på 24 timar går ikkje.
clock-covered-unknown = Det er ikkje registrert om medlemmen er omfatta av digitaltryggleikslova; fristen på 24 timar går ikkje før det er sagt.
clock-no-breach = Ingen har sagt at det kan vere eit brot på personopplysningstryggleiken, så fristen på 72 timar går ikkje.
timeline-title = Tidslinje
col-happened = Skjedde
col-learnt = Kjent
col-what = Kva
said-reported = Meldt av ein person: { $text }
said-reported-far = Meldt av ein person: { $text }. Så langt kom det, etter den som melde: { $evidence }
said-assigned = Ansvarleg: { $owner }
said-unassigned = Ingen er ansvarleg lenger
said-measured = Tiltak, { $status }: { $text }
said-discovered = Oppdaga
said-breach = Mogleg brot på personopplysningstryggleiken
said-duty-reported = Meldt. { $duty }
said-duty-withdrawn = Gjeld ikkje ({ $reason }). { $duty }
said-reached = Kom så langt: { $evidence }
said-back-seen = Kom tilbake: sett att etter at ho vart lukka (var { $was })
said-back-further = Kom tilbake: kom lenger enn det som var kjent (var { $was })
said-back-else = Kom tilbake: noko som lukkinga ikkje dekkjer (var { $was })
said-back-else-named = Kom tilbake: { $name }, som lukkinga ikkje dekkjer (var { $was })
said-back-member = Kom tilbake: ein medlem til er råka (var { $was })
said-back-reported = Kom tilbake: meldt av ein person (var { $was })
said-returned = Kom tilbake: same maskin og indikator som i sak { $id }, som er lukka
said-returned-unnumbered = Kom tilbake: same maskin og indikator som i ei sak som er lukka
said-went-on = Kom tilbake mykje seinare, som sak { $id }
said-went-on-unnumbered = Kom tilbake mykje seinare, som ei ny sak
said-joined = Nummer { $id } viste seg å vere ein del av denne (var { $was })
said-joined-unnumbered = Ei anna sak viste seg å vere ein del av denne (var { $was })
said-split = { $many ->
    [no] Delt: sak { $incidents } vart teken ut av kampanje { $from } og er kampanje { $into } frå då av: { $reason }
   *[yes] Delt: sakene { $incidents } vart tekne ut av kampanje { $from } og er kampanje { $into } frå då av: { $reason }
}
said-split-alone = { $many ->
    [no] Delt: sak { $incidents } vart teken ut av kampanje { $from } og er ikkje i nokon kampanje: { $reason }
   *[yes] Delt: sakene { $incidents } vart tekne ut av kampanje { $from } og er ikkje i nokon kampanje: { $reason }
}
said-merged = Slått saman: kampanje { $id } er ein del av denne frå då av (var { $was }): { $reason }
said-first = Første treff
said-history = Funne i historikken til sensorane
said-concluded = Vart ein mogleg kampanje
said-hit = { $number } { $name } råka (sak { $id })
said-hit-unnumbered = { $number } { $name } råka
# Listene til analytikaren
desk-alerts = Alarmar
desk-filter = Snevr inn
desk-filter-go = Vis
desk-filter-help = Ord blir søkte i indikatorar, truslar og medlemmer. Minus framfor utelèt. Døme:
desk-chips = Snevra inn til
desk-chip-remove = Fjern { $token }
desk-range = Tidsrom
desk-range-hour = 1 t
desk-range-day = 24 t
desk-range-week = 7 døgn
desk-range-month = 30 døgn
desk-range-wider = Lengre tidsrom
desk-range-own = Vel tidsrom
desk-range-from = Frå
desk-range-to = Til
desk-range-bad-quick = Tidsrommet er ikkje kjent. Bruk 1t, 24t, 7d eller 30d, eller vel frå og til. Det vanlege blir vist.
desk-range-bad-from = «Frå» er ikkje eit tidspunkt. Skriv det som 2026-11-21T14:05. Det vanlege tidsrommet blir vist.
desk-range-bad-to = «Til» er ikkje eit tidspunkt. Skriv det som 2026-11-21T14:05. Det vanlege tidsrommet blir vist.
desk-range-bad-order = «Til» må vere etter «frå». Det vanlege tidsrommet blir vist.
desk-range-bad-long = Tidsrommet er lengre enn alarmar blir tekne vare på (13 månader). Vel eit kortare. Det vanlege blir vist.
desk-cursor-bad = Sida høyrer til eit anna utval. Den første sida blir vist.
desk-trouble-key = Teikn { $at }: «{ $word }» er ikkje forstått. Her kan du bruke { $right }. Tekst med kolon skal stå i hermeteikn.
desk-trouble-not-here = Teikn { $at }: «{ $word }» gjeld ikkje denne lista. Her kan du bruke { $right }.
desk-trouble-value = Teikn { $at }: «{ $word }» er ikkje forstått. Etter { $name }: kan det stå { $right }.
desk-trouble-no-value = Teikn { $at }: «{ $word }» manglar ein verdi. Etter { $name }: kan det stå { $right }.
desk-trouble-quote = Teikn { $at }: «{ $word }» har eit hermeteikn som ikkje er lukka. Set eitt til bak teksten.
desk-trouble-many = Teikn { $at }: berre dei første { $most } orda blir lesne. Ta bort nokre.
desk-trouble-values = Teikn { $at }: «{ $word }» har for mange verdiar. Bruk høgst { $most }.
desk-trouble-long = Frå teikn { $at } er teksten for lang og blir ikkje lesen. Bruk høgst { $most } byte.
desk-right-member = eit nummer som 3407 eller byrjinga på eit namn
desk-right-name = ein del av namnet
desk-right-owner = ein del av namnet, eller { $nobody }
desk-right-number = eit tal frå 1 og opp
desk-right-rising = { $words }; fleire med komma mellom, eller + bak for «og meir»
desk-when = Når
desk-when-table = Vis som tabell
desk-per = alarmar per { $span }
desk-spark = Alarmar per { $span }, høgst { $most }
desk-alerts-n = { $n ->
    [1] 1 alarm
   *[other] { $shown } alarmar
}
desk-groups-n = { $n ->
    [1] 1 indikator
   *[other] { $shown } indikatorar
}
desk-incidents-n = { $n ->
    [1] 1 sak
   *[other] { $shown } saker
}
desk-campaigns-n = { $n ->
    [1] 1 kampanje
   *[other] { $shown } kampanjar
}
desk-alerts-none = Ingen alarmar i tidsrommet
desk-alerts-none-of = { $n ->
    [1] Den eine alarmen i tidsrommet er ikkje vist
   *[other] Ingen av dei { $shown } alarmane i tidsrommet er viste
}
desk-incidents-none = Ingen saker i tidsrommet
desk-incidents-none-of = { $n ->
    [1] Den eine saka i tidsrommet er ikkje vist
   *[other] Ingen av dei { $shown } sakene i tidsrommet er viste
}
desk-campaigns-none = Ingen kampanjar i tidsrommet
desk-campaigns-none-of = { $n ->
    [1] Den eine kampanjen i tidsrommet er ikkje vist
   *[other] Ingen av dei { $shown } kampanjane i tidsrommet er viste
}
desk-open-whenever = Det som er ope, blir vist same kva tid det sist vart sett.
desk-hidden-muted = { $n ->
    [1] 1 dempa
   *[other] { $shown } dempa
}
desk-hidden-settled = { $n ->
    [1] 1 avklart
   *[other] { $shown } avklarte
}
desk-hidden-closed = { $n ->
    [1] 1 lukka
   *[other] { $shown } lukka
}
desk-hidden-show = Vis
desk-hidden-shown = Også det som elles er gøymt, blir vist.
desk-hidden-hide = Gøym igjen
desk-cut = Det er fleire enn { $most } alarmar i tidsrommet. Berre dei nyaste, sidan { $since }, er rekna med. Vel eit kortare tidsrom.
desk-none = Ingenting i dette tidsrommet passar. Vel eit lengre tidsrom, eller ta bort noko av det lista er snevra inn til.
desk-select = Vel
desk-select-row = Vel { $what }
desk-seen-by = Sett hos
desk-reach = { $hit } av { $able } som kunne sjå det; { $blind } kunne ikkje
desk-belongs = Høyrer til
desk-no-case = inga sak
desk-in-history = i historikken
desk-proposed = føreslått som støy
desk-met-before = første gong
desk-fresh = { $n ->
    [1] 1 ny
   *[other] { $shown } nye
}
desk-acknowledged = kvittert av { $who } { $at }
desk-refuted = indikatoren er falsk positiv
desk-muted = dempa av { $who } til { $until }: { $reason }
desk-muted-at = dempa hos { $member } av { $who } til { $until }: { $reason }
desk-muted-title = Dempa
desk-muted-help = Dette er gøymt frå alarmlista for ei tid. Kjem det lenger hos ein medlem enn då det vart dempa, blir det vist likevel.
desk-muted-none = Ingenting er dempa no.
desk-muted-all = Alt som er dempa
desk-muted-where = Hos
desk-muted-everywhere = alle medlemmer
desk-muted-why = Grunngiving
desk-muted-by = Dempa av
desk-muted-until = Til
desk-muted-reason = Kvifor dempinga blir oppheva
desk-muted-n = { $n ->
    [1] 1 demping gjeld no
   *[other] { $shown } dempingar gjeld no
}
desk-why = Kvifor ser eg dette?
desk-why-listed = { $indicator } står i lista frå { $sources }, med tillit { $confidence } av 100.
desk-why-far = Det lengste det kom: { $far }.
desk-why-severity = Alvor etter lista: { $severity }.
desk-why-history = Noko av det vart funne i historikken til sensorane, og blir rekna frå då det vart funne.
desk-why-noise = Indikatoren er føreslått som støy: mange trefte han på ein gong, og lite kom av det.
desk-why-muted = { $n ->
    [1] 1 av alarmane er dempa.
   *[other] { $shown } av alarmane er dempa.
}
desk-tools = Handsam dei valde
desk-tools-help = Grunngiving trengst for falsk positiv, legitim trafikk og demping, og tekst for notat.
desk-tools-everywhere = Gjeld alle alarmar på indikatoren, hos alle medlemmer – også dei som ikkje er viste her. Kvittering gjeld det som var kome då sida vart henta; demping kan gjelde éin medlem.
desk-reason = Grunngiving eller notat
desk-days = Demp i så mange døgn
desk-at-member = Demp berre hos medlem (nummer)
desk-act-acknowledge = Kvitter
desk-act-false-positive = Falsk positiv
desk-act-legitimate = Legitim trafikk
desk-act-mute = Demp
desk-act-unmute = Opphev demping
desk-act-take = Ta over
desk-act-note = Notat
desk-key-case = sak
desk-next = Neste side
desk-export = Ta med (blir notert i revisjonsloggen):
desk-export-defanged = tekst utan klikkbare adresser
desk-views = Lagra visingar
desk-views-none = Ingen enno. Snevr inn lista, og lagre ho her.
desk-view-shared = delt
desk-view-change = Endre
desk-view-name = Namn
desk-view-new = Lagre denne visinga som
desk-view-share = delt med alle analytikarar
desk-view-save = Lagre
desk-view-rename = Lagre endring
desk-view-delete = Slett
desk-view-bad-name = Namnet må ha 1 til 80 byte på éi linje.
desk-view-bad-taken = Du har ei vising med det namnet frå før. Vel eit anna.
desk-view-bad-many = Du har så mange visingar som det er plass til (50). Slett ei først.
desk-view-bad-shared = Det er så mange delte visingar som det er plass til (200). Lagre ho for deg sjølv.
desk-view-bad-gone = Visinga finst ikkje lenger, eller ho er ein annan si.
desk-undo = Angre
desk-undo-all = Alt som kan angrast
desk-undo-title = Angre
desk-undo-help = Det du har gjort det siste kvarteret, kan angrast som ein heilskap. Revisjonslogg og tidslinje tek vare på begge delar.
desk-undo-none = Ingenting kan angrast no.
desk-undone = Det er angra. Alt er slik det var.
desk-undo-gone = Det finst ikkje noko slikt å angre.
desk-undo-others = Det var ein annan som gjorde det. Berre den kan angre det.
desk-undo-already = Det er angra alt.
desk-undo-late = Det er for lenge sidan: angring verkar i eit kvarter. Gjer det motsette i staden.
desk-undo-changed = Nokon har gått vidare med det sidan. Ingenting vart angra. Sjå på det som det er no.
desk-did-acknowledge = Kvittert
desk-did-false-positive = Merka som falsk positiv
desk-did-legitimate = Merka som legitim trafikk
desk-did-mute = Dempa
desk-did-unmute = Demping oppheva
desk-did-take = Teke over
desk-did-note = Notat skrive
desk-target-indicator = alarmane på indikator { $id }
desk-target-incident = sak { $id }
desk-target-campaign = kampanje { $id }
desk-target-muting = demping { $id }
desk-not-gone = finst ikkje lenger, eller har ingen alarmar
desk-not-already = er slik alt
desk-not-judged = alle alarmane er vurderte frå før
desk-not-case = høyrer til inga open sak
desk-not-such = det kan ikkje gjerast med denne
desk-not-closed = er lukka; opne saka igjen først
desk-not-full = det er ikkje plass til meir
desk-not-muted = er ikkje dempa, eller ikkje lenger
desk-done = Gjort
desk-done-n = { $n ->
    [1] Gjort med 1.
   *[other] Gjort med { $shown }.
}
desk-not-done = Ikkje gjort
desk-withdrawn = { $n ->
    [1] 1 indikator er trekt tilbake.
   *[other] { $shown } indikatorar er trekte tilbake.
}
desk-withdrawn-next = Sensorane høyrer om det med neste liste.
desk-back = Tilbake til lista
desk-bad-none = Ingenting er valt. Kryss av for det som skal handsamast.
desk-bad-many = For mange er valde. Handsam høgst 100 om gongen.
desk-bad-reason = Skriv ei grunngiving på éi linje, høgst 400 byte.
desk-bad-note = Skriv eit notat på éi linje, høgst 2000 byte.
desk-bad-days = Talet på døgn må vere frå 1 til 365.
desk-bad-member = Det finst ikkje noko medlem med det nummeret. Skriv nummeret, til dømes 3407, eller lat feltet stå tomt.
desk-bad-title = Ikkje gjort

# Å kome inn

sign-in-title = Logg inn
sign-in-words = Denne sida er for CSIRT-et og medlemmene. Har du ikkje konto, be CSIRT-et om ein invitasjon. Har du mist passordet eller den andre faktoren, lagar CSIRT-et ei lenkje til deg.
sign-in-button = Logg inn
sign-out = Logg ut
link-whose = Lenkja gjeld kontoen { $name }.
link-once = Lenkja verkar éin gong. Er det ikkje du som har bede om ho, lukk sida og sei frå til CSIRT-et.
spent-title = Lenkja gjeld ikkje
spent-words = Ho er brukt, for gammal, eller ei nyare er laga. Be CSIRT-et om ei ny.
forbidden-title = Ikkje for rolla di
forbidden-words = Du er logga inn, men rolla di gjev ikkje tilgang til denne sida. Treng du ho, spør ein administrator hos CSIRT-et. Du kan òg logge ut og kome inn med ein annan konto.
unknown-title = Ikkje logga inn
unknown-words = Økta er slutt, eller du har ikkje logga inn. Last sida på nytt for å logge inn.
elsewhere-title = Ikkje gjort
elsewhere-words = Skjemaet kom ikkje frå ei side som gjeld no. Ingenting er endra. Gå tilbake, last sida på nytt og prøv ein gong til.
unread-title = Ikkje lese
unread-words = Det som blei sendt, var for stort, kom for seint eller var ikkje eit skjema. Ingenting er endra.
screen-title = Skjerm på veggen
screen-words = Ein skjerm viser oversikta, utan maskiner og utan at nokon er logga inn. Han treng ein nøkkel, som blir laga slik:
screen-token = Nøkkelen til skjermen
screen-button = Vis oversikta
screen-wrong = Dette er ingen nøkkel for ein skjerm, eller han gjeld ikkje lenger.
sign-in-wrong = Namn, passord eller kode er feil. Sjekk alle tre. Har du mist noko av det, lagar CSIRT-et ei lenkje til deg.
sign-in-wait = { $n ->
    [one] For mange forsøk. Vent eitt sekund og prøv igjen.
   *[other] For mange forsøk. Vent { $shown } sekund og prøv igjen.
 }
oidc-sign-in = Logg inn med { $name }
oidc-or = Eller med passord og kode:
oidc-accept = Ta i bruk kontoen med { $name }
oidc-or-choose = Eller vel passord og andre faktor her:
oidc-tie = Kople til
oidc-untie = Kople frå
oidc-tied = Kontoen er kopla til { $name } sidan { $since }. Du kan logge inn der i staden for med passord og kode.
oidc-untied = Kontoen er ikkje kopla til { $name }. Koplar du han til, kan du logge inn der i staden for med passord og kode.
oidc-late = Svaret frå { $name } høyrer ikkje til noko du byrja på her no nettopp. Byrj på nytt: det må vere i same nettlesar, og innan ti minutt.
oidc-refused = { $name } sleppte deg ikkje inn, eller svaret derifrå kunne ikkje brukast. Prøv ein gong til. Hjelper ikkje det, står årsaka i loggen til samlaren.
oidc-unreachable = { $name } svarar ikkje. Vent litt og prøv igjen, eller logg inn med passord og kode.
oidc-one-factor = { $name } seier ikkje at du brukte ein andre faktor, og den må til her. Slå på totrinnsinnlogging der, eller spør den som driftar innlogginga.
oidc-unknown = Du er logga inn hos { $name }, men ingen konto her er kopla til deg der. Be CSIRT-et om ein invitasjon, eller logg inn med passord og kode og kople kontoen til under «Kontoen min».
oidc-taken = Ein annan konto her er alt kopla til deg hos { $name }. Logg ut der og inn som ein annan, eller bruk den kontoen.
oidc-spent = Lenkja eller økta du byrja med, gjeld ikkje lenger. Ingenting er endra.
no-room-title = Disken til samlaren er full
no-room-words = Ingen kan logge inn før det er plass på han: at nokon kom inn, kan ikkje skrivast. Den som driftar samlaren, må gjere plass; sensorane held på det dei har imens.
left-title = Du er logga ut her
left-words = Denne nettlesaren har gløymt økta, men samlaren fekk ikkje avslutta ho, fordi disken er full eller databasen ikkje kan skrivast. Ho er over når ho har stått ubrukt ei stund, og seinast åtte timar etter at ho tok til.
busy-title = Vent litt
busy-words = Mange loggar inn samstundes. Prøv igjen om nokre sekund.
often-title = For mange forsøk
often-words = Vent eit minutt og prøv igjen.
field-name = Brukarnamn
field-password = Passord
field-code = Kode frå telefonen
field-code-words = Seks siffer frå appen. Har du ikkje telefonen, skriv ein av gjenopprettingskodane.
field-new-password = Nytt passord
field-password-words = Minst 12 teikn. Fleire vanlege ord etter kvarandre er bra; lengda tel.
field-again = Det nye passordet éin gong til
field-current = Passordet du har no
choose-title = Vel passord og andre faktor
choose-whose = Du er invitert som { $name }.
choose-button = Ta i bruk kontoen
first-words = Ingen har konto her enno. Den første blir administrator og kan invitere dei andre.
factor-title = Andre faktor
factor-words = Les firkanten med ein app for eingongskodar, til dømes den som følgjer med telefonen. Skriv så koden appen viser.
factor-square = Firkant med løyndomen for appen
factor-typed = Kan du ikkje lese firkanten, skriv dette i appen:
codes-title = Gjenopprettingskodar
codes-words = Skriv dei ut eller gøym dei i ein passordhandterar no: dei blir ikkje viste igjen. Kvar verkar éin gong, i staden for koden frå telefonen.
codes-go-on = Eg har teke vare på dei. Gå vidare
own-title = Min konto
own-sessions = Opne økter
own-session = Byrja { $began }, sist i bruk { $seen }.
own-session-this = Denne
own-session-end = Avslutt
own-language = Språk på sidene
own-save = Lagre
own-password = Passord
own-password-button = Byt passord
own-no-password = Kontoen har ikkje passord enno. Ein administrator lagar ein invitasjon slik:
own-factor-button = Byt andre faktor
own-codes-left = { $n ->
    [one] Éin av ti gjenopprettingskodar er att. Byter du andre faktor, får du ti nye.
   *[other] { $shown } av ti gjenopprettingskodar er att. Byter du andre faktor, får du ti nye.
 }
fault-name = Namnet må ha minst to bokstavar, berre bokstavar, siffer og . - _ @ +, og ikkje vere teke.
fault-short = Passordet er for kort. Det må ha minst { $least } teikn.
fault-long = Passordet er for langt.
fault-common = Passordet er blant dei som blir prøvde først. Vel fleire ord som ikkje høyrer saman.
fault-own-name = Passordet er nesten det same som namnet. Vel noko anna.
fault-differs = Dei to passorda er ikkje like.
fault-code = Koden stemmer ikkje. Vent til appen viser ein ny, og sjå etter at klokka på telefonen går rett.
fault-wrong = Passordet du har no, stemmer ikkje.
account-role-analyst = analytikar
account-role-publisher = publiserar
account-role-administrator = administrator
account-role-auditor = revisor
account-role-it = IT-ansvarleg
account-role-management = leiing
account-role-wall = skjerm
# Varsel til medlemmer og tiltak
said-advisory-sent = Varsel sendt: { $title }
said-advisory-corrected = Retta varsel sendt: { $title }
said-advisory-to = { $n ->
    [1] (til 1 medlem)
   *[other] (til { $shown } medlemmer)
}
said-advisory-read = { $name } ({ $number }) stadfesta lese
said-advisory-answered = { $name } ({ $number }) svara: { $answer }
said-advisory-withdrawn = Varselet er trekt tilbake: { $reason }
answer-not-affected = Vi er ikkje råka.
answer-affected = Vi er råka.
answer-need-help = Vi treng hjelp.
answer-measure-done = Tiltak er gjort.
answer-measure-done-named = Tiltaket er gjort: { $title }.
advisories-title = Varsel
advisories-none = Ingen varsel enno.
bank-title = Tiltaksbanken
bank-words = Det de kan gjere sjølve, i den rekkjefølgja det som regel blir gjort. Nummera viser til grunnprinsippa for IKT-tryggleik frå NSM.
measure-sort = { $sort }, { $purpose } · NSM { $nsm }
measure-organisational = Organisatorisk
measure-human = Menneskeleg
measure-physical = Fysisk
measure-technological = Teknologisk
measure-prevent = førebyggje
measure-detect = oppdage
measure-handle = handtere
measure-done-when = Gjort når:
col-advisory = Varsel
col-sent = Sendt
col-read = Lese
advisory-draft = utkast
advisory-sent = sendt
advisory-corrected = retta
advisory-withdrawn = trekt tilbake
advisory-withdrawn-why = Dette varselet gjeld ikkje lenger:
advisory-corrected-words = Dette varselet er retta.
advisory-corrected-link = Les den nye versjonen
advisory-corrects = Dette er ein retta versjon. Sjå den førre
advisory-no-text = (ingen tekst enno)
advisory-read-of = Lese av { $read } av { $of }
advisory-read = Stadfesta lese
advisory-unread = Ikkje stadfesta lese
advisory-own = Hos dykk
advisory-own-incident = Saka dykkar
advisory-others = Varselet er sendt til minst { $least } andre.
advisory-measures = Tiltak
advisory-measures-further = Der det kom lenger
advisory-measures-further-words = Dette gjeld der åtaket kom lenger enn hos dykk. De treng ikkje gjere det no.
advisory-calls = Ikkje lese – ring desse
advisory-calls-none = Alle som har fått varselet, har stadfesta at det er lese.
advisory-no-telephone = Ikkje noko telefonnummer i profilen
advisory-mail-distrusted = Får ikkje e-post, han kan vere lesen av andre: { $why }
advisory-no-address = Får ikkje e-post: inga adresse i profilen
advisory-called = Ringt { $at } av { $who }
advisory-answers = Svar
advisory-answers-none = Ingen har svara enno.
advisory-readers = Har lese
advisory-mails = E-post som ikkje er komen fram
advisory-mail-waits = { $member }: ventar, blir prøvd igjen { $next }. { $why }
advisory-mail-given-up = { $member }: ikkje send. { $why }
advisory-confirm = Stadfest lese
answer-title = Svar
answer-legend = Korleis står det til hos dykk?
answer-words = Vi svarar med eigne ord.
answer-measure = Kva tiltak er gjort
answer-text = Meir å seie (kan stå tomt)
answer-button = Send svaret
answer-wrong-none = Vel eit svar, og sei kva tiltak som er gjort eller kva de vil seie. Ingenting er sendt enno.
answer-wrong-long = Teksten er for lang: høgst { $most } byte. Ingenting er sendt enno.
advisory-called-button = Ringt
news-title = Nytt sidan sist:
news-campaigns = { $n ->
    [1] 1 ny kampanje
   *[other] { $shown } nye kampanjar
}
news-incidents = { $n ->
    [1] 1 ny sak
   *[other] { $shown } nye saker
}

# Indicators
intel-all = Alle indikatorar
intel-allowed = På tillaten-lista sidan { $since }, av { $who }: { $reason }
intel-allowed-over = Stod på tillaten-lista frå { $since }, av { $who }: { $reason }. Det gjeld ikkje lenger.
intel-bad-reason = Skriv ei grunngiving: ei setning på éi linje. Ho står i revisjonsloggen.
intel-bad-sure = Kryss av for at det er meint.
intel-bad-until = Vel ein dag, til dømes 31.01.2027.
intel-braked = Bremsa: treff blir talde utan alarm til { $until }.
intel-by-kind = Slag
intel-by-source = Kjelde
intel-by-tlp = Merking
intel-claims = Kven seier det
intel-claims-more = { $n ->
     [one] Éin eldre påstand er ikkje vist.
    *[other] { $shown } eldre påstandar er ikkje viste.
}
intel-copied = Kopiert
intel-copy = Kopier
intel-copy-what = Kopier { $what } slik han er
intel-filter-help = Ord blir søkte i indikatorar og truslar. Minus framfor utelèt. Døme:
intel-first-published = Først publisert
intel-first-said = Først sagt
intel-follows = Kva det fører til
intel-from = Gjeld frå
intel-hide-withdrawn = Skjul dei som er trekte tilbake
intel-its-alerts = Sjå alarmane
intel-last-said = Sist sagt
intel-left-expired = tida er ute
intel-left-fingerprint = eit fortruleg fingeravtrykk kan ikkje sendast ut som avtrykk
intel-left-lint = kontrollen held han tilbake ({ $rule })
intel-left-recalled = han er tilbakekalla
intel-left-red = TLP:RED går ut berre når nokon seier det: varde-collector publish --include-red
intel-left-unreadable = han kan ikkje lesast; importer han på nytt
intel-left-withdrawn = ingen kjelde seier han lenger
intel-lint-always = Blir halden tilbake. Kan ikkje overstyrast.
intel-lint-holds = Blir halden tilbake. Ein publiserar kan overstyre.
intel-lint-none = Kontrollen før publisering har ingenting å seie om han.
intel-lint-overridden = Går ut likevel: nokon har overstyrt det.
intel-lint-warns = Går ut. Dette er berre ei åtvaring.
intel-marked = Merkt
intel-met = Treff så langt
intel-met-none = { $n ->
     [0] Ingen medlemmer har sensor enno
     [one] Ikkje møtt hos den eine medlemmen med sensor
    *[other] Ikkje møtt hos nokon av { $shown } medlemmer med sensor
}
intel-met-not-out = Ikkje ute hos sensorane, så ingen kan ha møtt han
intel-met-of = hos { $members } av { $watched } medlemmer med sensor
intel-met-own = { $n ->
     [one] Éin alarm hos dykk
    *[other] { $shown } alarmar hos dykk
}
intel-next-in = Neste publisering tek han med.
intel-next-neither = Han kjem ikkje med i neste liste heller: { $why }.
intel-next-open = Etter neste publisering blir det leita etter han utan sluttid.
intel-next-out = Neste publisering tek han ut: { $why }.
intel-next-until = Etter neste publisering blir det leita etter han til { $until }.
intel-no-end = Utan sluttid
intel-none = Ingen indikatorar enno. Lim inn eit varsel under «Utkast», eller legg til ei kjelde.
intel-none-fit = Ingen indikatorar passar til dette.
intel-none-own = Ingenting på lista er møtt hos dykk.
intel-out-no-more = Ikkje ute lenger: han står ikkje i noka liste som gjeld.
intel-out-not-yet = Ikkje ute: han står ikkje i noka liste enno.
intel-out-open = Ute: sensorane leiter etter han utan sluttid, etter liste { $list }.
intel-out-over = Står i liste { $list }, men tida var ute { $until }: sensorane leiter ikkje lenger.
intel-out-until = Ute: sensorane leiter etter han til { $until }, etter liste { $list }.
intel-override = Overstyr kontrollen
intel-override-go = La han gå ut likevel
intel-override-help = Han kjem med i neste liste, og går ut av seg sjølv når dagen er over. Grunngivinga står i revisjonsloggen.
intel-override-over = { $who } overstyrte { $rules } til { $until }: { $reason }. Det gjeld ikkje lenger.
intel-override-stands = { $who } har overstyrt { $rules } til { $until }: { $reason }
intel-override-until = Til og med (høgst eitt år)
intel-own = Møtt hos dykk
intel-parts = Etterretning
intel-reason = Grunngiving
intel-recall = Kall indikatoren tilbake
intel-recall-go = Kall tilbake
intel-recall-help = Han går ut av alle lister no, og kjem ikkje inn att før nokon opphevar det. Ligg listenøkkelen hos vakta, blir han berre talt til lista er signert.
intel-recall-sure = Ja, ta han ut hos alle medlemmer
intel-recalled = Kalla tilbake { $since }: { $why }
intel-received = Motteken
intel-refused = Det vart ikkje gjort: { $why }
intel-rule = Regel
intel-sent = Liste { $list }, publisert { $at }, har { $total }.
intel-sent-counts = Tal etter kjelde, slag og merking
intel-sent-few = Det som er delt med få, er ikkje rekna med.
intel-sent-none = Inga liste er publisert enno.
intel-sent-of = { $count } av { $total }
intel-sent-title = Det sensorane leiter etter
intel-show-withdrawn = Vis også dei som er trekte tilbake
intel-standing-title = Er han ute?
intel-state-published = Publisert
intel-state-recalled = Kalla tilbake
intel-state-unpublished = Ikkje publisert
intel-state-withdrawn = Trekt tilbake
intel-tags = Merkelappar
intel-taken-back = Teke tilbake
intel-techniques = Teknikkar
intel-together = { $n ->
     [one] Éin sensor melder vidare maskiner samla, fordi han trefte for mange.
    *[other] { $shown } sensorar melder vidare maskiner samla, fordi han trefte for mange.
}
intel-total = { $n ->
     [one] Éin indikator
    *[other] { $shown } indikatorar
}
intel-total-more = Meir enn { $most } indikatorar
intel-network-cut = Nettverket rommar fleire enn { $most } indikatorar, så filteret ser på dei { $most } nyaste. Skriv eit mindre nettverk.
intel-total-own = { $n ->
     [one] Éin indikator er møtt hos dykk
    *[other] { $shown } indikatorar er møtte hos dykk
}
intel-until = Gjeld til
intel-url = Adresse
intel-where-met = Kvar han er møtt
kind-ja4 = JA4-fingeravtrykk

# Drafts
draft-added = { $n ->
     [0] Ingen nye indikatorar
     [one] Éin ny indikator
    *[other] { $shown } nye indikatorar
}
draft-bad-empty = Lim inn eit varsel eller ei liste først.
draft-bad-large = Teksten er for lang til å limast inn. Lagre han som fil, og bruk varde-collector indicator import.
draft-bad-source = Skriv kvar det kjem frå, på éi linje, til dømes «NCSC».
draft-busy = Ein annan import går føre seg. Prøv igjen om litt; teksten din står her.
draft-by = Endra av { $who }.
draft-by-nobody = Ingen er kjende for å ha endra det ho blir laga av sidan den lista.
draft-by-since = Endra av { $who }, først { $since }.
draft-called = Utkastet heiter
draft-changed = { $n ->
     [0] Ingen endra
     [one] Éin endra
    *[other] { $shown } endra
}
draft-comes-to = { $taken } blir tekne inn, av dei blir { $held } haldne tilbake frå lista. { $out } er utelatne. { $beside } er sette og blir ikkje tekne.
draft-fate = Kva som skjer med han
draft-fate-clue = Blir teken vare på for dykk. Ingen sensor kan leite etter han.
draft-fate-harmless = Kjelda seier at han er harmlaus.
draft-fate-held = Blir teken inn, men kontrollen held han tilbake ({ $rule }).
draft-fate-known = Blir teken inn. Kjend frå før.
draft-fate-left-out = Utelaten.
draft-fate-over = Blir teken inn, men er for gammal til å gå ut.
draft-fate-passed = Sett, ikkje teken.
draft-fate-red = Blir teken inn. TLP:RED går ikkje ut utan at nokon seier det.
draft-fate-taken = Blir teken inn.
draft-for-few = delt med få
draft-format = Format
draft-format-auto = finn det ut
draft-held = Det som ikkje går ut
draft-held-can = Ein publiserar kan overstyre, på sida til indikatoren.
draft-held-cannot = Kan ikkje overstyrast.
draft-held-first = Dei første
draft-held-help = Reglar stansar det som ville gjeve alarm hos alle. Finn indikatoren i lista over indikatorar for å overstyre han.
draft-held-none = Ingenting blir halde tilbake.
draft-hits = { $hosts } maskiner hos { $members } medlemmer
draft-hits-help = Rekna ut av alarmane som er lagra. Det som den gongen ikkje trefte noko, er ikkje lagra her, så det er minst så mykje.
draft-hits-none = Ingen av alarmane som er lagra
draft-lacks = Fire auge: ein annan enn { $who } må sjå gjennom utkastet før det blir publisert. Eit namn på maskina og ein konto her blir ikkje rekna som to personar.
draft-lacks-unknown = Fire auge: ingen veit lenger kven som tok inn det nye. Ta det inn på nytt, så kan ein annan sjå gjennom det.
draft-line = linje { $line }
draft-look = Sjå kva som blir teke inn
draft-look-again = Sjå på nytt
draft-looked = Dette blir teke inn
draft-more = { $n ->
     [one] Éin til er ikkje vist.
    *[other] { $shown } til er ikkje viste.
}
draft-next-title = Utkast til neste liste
draft-not-other = Noko er endra sidan utkastet vart vist, så ingenting er gjort. Sjå gjennom det på nytt.
draft-not-overtaken = I same augeblink publiserte, kalla tilbake eller vurderte nokon andre noko. Ingenting er publisert. Prøv igjen.
draft-not-shrunken = Liste { $list } har { $held } indikatorar, og berre { $count } ville bli att. Ingenting er publisert. Er det meint, kryss av og publiser igjen.
draft-out-expired = { $n ->
     [one] Éin er for gammal.
    *[other] { $shown } er for gamle.
}
draft-out-fingerprints = { $n ->
     [one] Eitt fortruleg JA4-avtrykk kan ikkje gå ut.
    *[other] { $shown } fortrulege JA4-avtrykk kan ikkje gå ut.
}
draft-out-red = { $n ->
     [one] Éin er merkt TLP:RED. Han går ut berre med varde-collector publish --include-red.
    *[other] { $shown } er merkte TLP:RED. Dei går ut berre med varde-collector publish --include-red.
}
draft-own-word = Teksten seier om seg sjølv: { $tlp }.
draft-paste = Lim inn eit varsel
draft-prepare = Gjer klar til signering
draft-prepare-help = Listenøkkelen ligg hos vakta. Lista ventar til ho er signert der, og ingen sensor får ho før.
draft-publish = Publiser dette utkastet
draft-publish-help = Det blir signert med nøkkelen på samlaren. Har de ei pilotgruppe, går det dit først.
draft-published = Liste { $list } er publisert og på veg til sensorane.
draft-read-as = Lese som { $format }.
draft-removed = { $n ->
     [0] Ingen går ut
     [one] Éin går ut
    *[other] { $shown } går ut
}
draft-review = Sei at du har sett gjennom det
draft-review-go = Eg har sett gjennom det
draft-review-reason = Kva du har sett på
draft-reviewed-by = Sett gjennom av
draft-same = Ingenting nytt: lista som gjeld, seier det same.
draft-see-next = Sjå utkastet til neste liste
draft-shrink = Ja, lista skal vere så mykje mindre
draft-sign-back = Så tilbake på samlaren:
draft-sign-here = På samlaren, skriv fila som skal signerast (tal og summar, ingen indikatorar):
draft-sign-how = Slik blir ho signert:
draft-sign-there = Hos den som har listenøkkelen:
draft-source-usual = Limt inn
draft-take = Ta inn
draft-text = Varsel, e-post, liste, CSV, STIX eller MISP
draft-text-help = Ingenting blir teke inn før du har sett kva det er. Filer med vedlegg og PDF: varde-collector indicator import.
draft-title = Utkast
draft-tlp-own = som det står, elles TLP:AMBER
draft-warns = Kontrollen åtvarar:
draft-where = Kvar
draft-words = { $count }, halde mot liste { $list }.
draft-words-first = { $count }. Inga liste er publisert enno.
draft-would-hit = Ville trefft

# Sources and lists
lists-bad-newer = Ei anna liste er komen sidan sida vart vist. Sjå på ho, og gjer det på nytt om det er meint.
lists-by-itself = samlaren sjølv, fordi han trefte for mange
lists-by-recall = tilbakekalling
lists-channel-all = alle
lists-channel-pilot = pilotgruppa
lists-for = For kven
lists-has = har liste { $list }
lists-has-none = har inga liste
lists-lacking = Kven som manglar ho
lists-lift = Opphev
lists-lift-go = La han inn i lister att
lists-list = Liste { $list }
lists-number = Liste
lists-off = ikkje tilkopla
lists-published = Publisert
lists-reach = I kraft hos { $have } av { $sensors } sensorar som følgjer ho
lists-reach-none = Ingen sensor følgjer ho enno
lists-reach-title = Kor langt den nyaste er komen
lists-recall = Kall tilbake liste { $list }
lists-recall-help = Det den førre lista for alle hadde, gjeld igjen, under eit nytt nummer. Det nye i denne kjem ikkje inn att før nokon opphevar det.
lists-recall-lifted = Oppheva
lists-recall-stands = Står ute av alle lister
lists-recall-sure = Ja, ta tilbake liste { $list } hos alle medlemmer
lists-recalled = Tilbakekalla indikatorar
lists-recalled-none = Ingen indikator er kalla tilbake.
lists-title = Lister
source-bad-deed = Vel kva som skal gjerast med kjelda.
source-bad-name = Det finst inga slik kjelde. Nokon kan ha teke ho bort.
source-brought = { $new } nye, { $gone } trekte tilbake
source-brought-last = Kom sist
source-brought-nothing = Ingenting er henta enno
source-do = Gjer
source-every-days = { $n ->
     [one] kvar dag
    *[other] kvar { $shown }. dag
}
source-every-hours = { $n ->
     [one] kvar time
    *[other] kvar { $shown }. time
}
source-every-minutes = { $n ->
     [one] kvart minutt
    *[other] kvart { $shown }. minutt
}
source-fetch = Hent no
source-fetch-what = Hent no: { $name }
source-fetching = { $name } blir henta no. Last sida på nytt om litt for å sjå kva som kom.
source-help = Det som blir henta, går ikkje ut før nokon publiserer det.
source-last = Lykkast sist
source-none = Inga kjelde blir henta enno. Ei kjelde blir lagd til på samlaren:
source-pause = La kvile
source-pause-what = La kvile: { $name }
source-record = Kor ofte ho har rett
source-record-met = { $hits } av { $shown } publiserte har hatt treff.
source-record-none = Ingenting av ho er publisert enno.
source-record-right = { $confirmed } av { $verdicts } vurderingar stadfesta.
source-record-unjudged = Ingen er vurderte.
source-release = Ta inn det som blir halde
source-release-what = Ta inn det som blir halde: { $name }
source-resume = Hent igjen
source-resume-what = Hent igjen: { $name }
source-standing = { $n } står etter ho
source-state-fails = { $n ->
     [one] Feila ved siste forsøk
    *[other] Har feila { $shown } gonger på rad
}
source-state-good = Verkar
source-state-held = Blir halden: det som kom, er ikkje teke inn, og det som stod, står. Halden sidan
source-state-paused = Kviler
source-state-untried = Ikkje prøvd enno
source-title = Kjelder
source-total = { $good } av { $all } kjelder verkar.
source-tried = prøvd
trust-waits-how = Slik blir ho signert
# Medlemmer, sensorar, revisjon og kontoar på sidene
members-none = Ingen medlemmer er lagde inn enno. Legg inn den første slik:
members-map = Rutekart over kommunane. Tabellen under seier det same.
members-standing = Slik står det til
members-standing-words = Ei rute er ein kommune. Fylke og selskap har inga rute og står berre i tabellen. Øvingar tel ikkje med.
members-key-hit = Råka, i ein open kampanje
members-key-alone = Råka, eiga sak
members-key-well = Alt vel: kan sjå, ingenting ope
members-key-blind = Stille: kan ikkje sjå no
members-outside = Ikkje med: { $count } av { $total } kommunar
members-hit = råka
members-blind = stille
members-well = alt vel
members-list = Alle medlemmer
members-q = Namn eller nummer
members-sort-incidents = flest opne saker
members-sort-heard = lengst sidan sist høyrt
members-shown = Viser { $count } av { $total } medlemmer
members-open = Opne saker
members-none-open = ingen
members-sensors = Sensorar som høyrer
members-no-sensor = ingen
members-list-age = Eldste liste
members-no-list = har inga liste
col-county = Fylke
any = alle
sort-by = Sorter etter
show-all = Vis alle
none-fits = Ingen passar med det som er valt. «Vis alle» tek bort utvalet.
never = aldri
member-change = Endre
member-confirm-words = Stemmer alle kontaktane over?
member-confirm = Stadfest profilen
member-contact-change = Endre kontakt: { $role }
member-contact-add = Legg inn kontakt: { $role }
member-contact-right = Eg har sjekka i dag at dette stemmer
member-contact-remove = Fjern kontakten
member-profile-change = Endre målform, lov, leverandørnett, domene og nett
member-supplier-hint = Medlemmer bak same nett tel som éin når ein kampanje blir avgjord. Lat det stå tomt når det ikkje er noko.
member-one-a-line = Éin på kvar linje, til dømes
member-mail-distrust = Set «mogleg kompromittert e-post»
member-mail-distrust-words = Då blir det ikkje sendt e-post til medlemmen, heller ikkje det som ventar. Medlemmen står øvst blant dei som skal ringjast.
member-mail-trust = Stol på e-posten igjen
member-mail-trust-words = Då blir varsel sende til adressene i profilen igjen. Det som ikkje vart sendt imens, blir ikkje sendt no.
member-mail-is-distrusted = Mogleg kompromittert e-post: medlemmen får ingen e-post sidan
member-enrol-another = Kople til ein sensor til
member-bad-line = Skriv éi linje med 1 til { $most } teikn.
member-bad-email = «{ $what }» er inga e-postadresse. Skriv ho som namn@domene.no.
member-bad-telephone = Det er ikkje noko telefonnummer. Skriv åtte siffer (22 00 00 00), eit kort nummer (02497) eller + og landet (+46 8 123 456).
member-bad-domain = «{ $what }» kan ikkje vere medlemmens eige domene. Skriv til dømes gjovik.kommune.no.
member-bad-network = «{ $what }» er ikkje noko nett. Skriv til dømes 192.0.2.0/24 eller 2001:db8::/32.
member-bad-host-bits = { $what } er ei adresse i eit nett. Skriv { $right }.
member-bad-not-public = { $what } er ikkje medlemmens eige nett på internett: berre nett som er synlege utanfrå, høyrer heime her.
member-bad-many = Ein medlem kan ha høgst { $domains } domene og { $networks } nett her.
bad-reason = Skriv ei grunngiving på éi linje.
reason = Grunngiving
saved = Endringa er lagra.
sensors-silent = stille eller døve
sensors-waiting = ventar på godkjenning
sensors-behind = etter: ikkje nyaste liste
sensors-ends-soon = sertifikat eller eingongskode går snart ut
sensors-shown = Viser { $count } av { $total } sensorar
sensors-all = Alle sensorar
sensors-q = Medlem, nummer eller sensor
sensors-which = Vis
sensors-versions = Versjonar i bruk
sensors-pilot = Pilotgruppa
sensors-others = Alle andre
sensors-pilot-one = pilot
sensors-ends = går ut
sensors-wait-title = Ventar på godkjenning
sensors-wait-words = Ring medlemmen og lat dei lese dei åtte orda dei ser. Godkjenn berre når alle åtte er dei same.
sensors-waits-since = Har venta sidan
sensors-same-words = Dei las opp dei same åtte orda
sensors-approve = Godkjenn
sensors-refuse = Avvis
sensors-revoke = Steng ute
sensors-not-compared = Ikkje godkjend: kryss av for at dei las opp dei same åtte orda.
sensors-waits-not = Sensoren ventar ikkje lenger. Nokon andre kan ha svara.
sensors-new = Kople til ein ny sensor
sensors-new-words = De får ein eingongskode til medlemmen. Han verkar éin gong, i 72 timar.
sensors-new-number = Nummeret til medlemmen
sensors-new-go = Lag eingongskoden
sensors-no-member = Det finst ikkje nokon medlem med det nummeret. Skriv til dømes 3407.
sensors-no-address = Ingen eingongskode er laga: samlaren veit ikkje kva adresse sensorane skal ringje. Set ho med varde-collector init --address.
token-title = Eingongskode til ein ny sensor
token-for = Til
token-once = Eingongskoden blir vist berre no. Går han tapt, lag ein ny.
token-secret = Eingongskoden
token-until = Han verkar éin gong, til
token-hand-over = Han er hemmeleg: gi han personleg eller i ei kryptert melding.
token-how = På sensoren
token-package = Legg pakken på maskina:
token-line = Køyr denne linja. Eingongskoden står ikkje i ho, så ingen andre på maskina ser han.
token-paste = Lim inn eingongskoden når programmet ventar, og trykk Enter og Ctrl-D.
token-words = Programmet viser åtte ord for denne samlaren. Dei skal vere:
token-dials = Sensoren ringjer { $quic } og { $enroll }, begge over UDP.
token-back = Til sensorane
revoke-words = Økta blir broten straks, og sensoren slepp ikkje inn igjen. Skal medlemmen ha ein sensor etterpå, må han koplast til med ein ny eingongskode.
revoke-sure = Ja, steng ute sensoren til { $sensor }
revoke-not-sure = Ikkje gjort: kryss av for at sensoren skal stengjast ute.
revoke-before = Sensoren er stengd ute alt.
revoke-not = Avbryt
audit-title = Revisjonslogg
audit-looking = Loggen blir halden mot seg sjølv no.
audit-again = Last sida på nytt
audit-is-whole = Loggen er heil.
audit-whole = { $entries } linjer, frå nr. { $first } til nr. { $last }, heng saman. { $since } er skrivne sidan.
audit-looked = Halden saman
audit-keep = Sum å ta vare på ein annan stad
audit-keep-words = Den som kan skrive i databasen, kan skrive loggen på nytt. Berre ein sum som ligg ein annan stad, viser det. Skriv han til dømes i vaktprotokollen kvar måndag.
audit-broken = LOGGEN ER IKKJE HEIL, sett
audit-broken-next = Lat databasen liggje som han er, og samanlikn med siste kopi:
audit-list = Det som er gjort
audit-none = Ingenting er gjort enno.
audit-what = Kva eller på kven
audit-on = På kven eller kva
audit-change = Før og etter
audit-all = alt som er lagra
audit-now = no
audit-shown = Viser dei { $count } nyaste av { $total } linjer
audit-shown-of-fit = Viser { $count } av { $fit } linjer som passar, av { $total } i alt
own-recovers = Du kom inn med ei eingongslenkje. Du kan velje eit nytt passord utan det gamle, éin gong, så lenge økta varer. Har du mista den andre faktoren òg, byt han etterpå.
nav-users = Brukarar
users-title = Brukarar
users-q = Namn eller medlemsnummer
users-shown = Viser { $count } av { $total } kontoar
users-seen = Sist inne
users-invite = Inviter
users-invite-words = De får ei lenkje som verkar éin gong, i 72 timar. Den som opnar ho, vel passord og andre faktor sjølv.
users-invite-go = Lag invitasjonen
users-name-hint = Små bokstavar, til dømes
users-role-hint = Analytikar, publiserar, administrator og revisor er hos CSIRT-et. IT-ansvarleg og leiing er hos ein medlem og ser berre sitt eige.
users-member-hint = Berre for IT-ansvarleg og leiing.
users-bad-role = Vel ei rolle.
users-needs-member = Rolla er hos ein medlem. Skriv nummeret til medlemmen.
users-needs-no-member = Rolla er hos CSIRT-et. Lat nummeret til medlemmen stå tomt.
users-name-taken = Det finst ein konto med det namnet. Opne han for å lage ein ny invitasjon.
users-too-many = Det er ikkje plass til fleire kontoar.
users-back = Til brukarane
user-active = i bruk
user-invited = invitert, ikkje teken i bruk
user-no-factor = manglar andre faktor
user-stopped = stansa
user-factor = vald; { $shown } av 10 gjenopprettingskodar att
user-at-provider = loggar inn hos leverandøren
user-factor-provider = hos leverandøren
user-factor-none = ikkje vald
user-added = Lagd til
user-role = Rolla til kontoen
user-role-go = Byt rolle
user-ends-sessions = Opne økter blir avslutta straks.
user-way-in = Tilgjenge
user-link = Lag ei lenkje som loggar inn
user-link-words = Har eigaren mista passordet eller den andre faktoren: ei lenkje som loggar inn éin gong, innan ein time. Der kan eigaren velje nytt passord utan det gamle.
user-reset = Nullstill og inviter på nytt
user-reset-words = Kan nokon ha fått tak i passord eller telefon: begge blir sletta, opne økter blir avslutta straks, og eigaren vel på nytt med ein invitasjon.
user-stop = Stans kontoen
user-stop-words = Skal eigaren ikkje inn meir: opne økter og lenkjer blir avslutta straks. Kontoen kan opnast igjen.
user-start = Opne kontoen igjen
user-start-words = Kontoen er stansa. Eigaren kan kome inn igjen med passordet og den andre faktoren frå før.
user-no-session = Inga økt er open.
user-end-sessions = Avslutt alle øktene
user-same = Ingenting er endra: det er slik alt, eller kontoen er stansa.
user-last = Ikkje gjort: dette er den siste administratoren som kan kome inn. Gi ein annan rolla først.
user-link-title = Lenkje
user-link-invites = Lenkja inviterer { $name }: den som opnar ho, vel passord og andre faktor.
user-link-signs-in = Lenkja loggar inn { $name }, utan passord og andre faktor.
user-link-once = Lenkja blir vist berre no. Går ho tapt, lag ei ny; då gjeld ikkje denne.
user-link-send = Send ho på ein annan måte enn e-post om postkassa kan lesast av andre.
# Framsida til IT og leiing hos medlemmen
home-reload = Last sida på nytt for å sjå om noko er endra.
home-in-doubt = Er du i tvil? Ring
home-now = Gjer dette no
home-nothing = Ingenting ventar på dykk.
home-do = Kva de gjer, i denne rekkjefølgja
home-others = Minst { $shown } andre er råka av det same.
home-more-incidents = { $n ->
    [1] Og 1 sak til
   *[other] Og { $shown } saker til
}
home-unread = Varsel de ikkje har stadfesta lesne
home-no-sensor = De har ingen sensor som er kopla til. Be responsmiljøet om ein eingongskode.
home-contacts = Kven vi ringjer hos dykk
home-contacts-words = Når noko hastar, ringjer responsmiljøet desse, også om natta.
home-contacts-none = Vi veit ikkje kven vi skal ringje hos dykk.
home-contacts-doubt = Sjå over kven vi ringjer hos dykk, og stadfest at det stemmer
home-contacts-button = Alt stemmer i dag
home-contacts-wrong = Manglar noko, eller stemmer det ikkje? Rett det sjølve
home-profile = Alt vi har om dykk
home-lists = Kva sensoren leitar etter
home-leaves-all = Alt som kan sendast ut, i { $shown } punkt
leaves-title = Kva som blir sendt ut av huset
leaves-yourself = Sjå det sjølv på sensoren, med ekte døme:
light-calm = Ingenting er funne
light-calm-means = Sensorane ser trafikken, og inga sak er open. Det dei ikkje kan sjå, seier dette ingenting om.
light-blind = Vi veit ikkje
light-blind-means = Inga sak er open, men ikkje alle sensorane ser trafikken no. Noko kan ha hendt utan at det er sett.
light-seen = Kanskje
light-seen-means = Noko er sett som kan vere eit forsøk. Ingen kontakt med angriparen er sett.
light-contained = Ja, men det er stansa
light-contained-means = Noko var i kontakt med angriparen. Det er stansa, og det blir rydda opp.
light-hit = Ja
light-hit-means = Minst éi maskin har vore i kontakt med noko som er kjent som skadeleg, eller nokon har stadfesta at det er alvor.
remedy-deaf = Ingen trafikk kjem fram til sensoren. Sjekk spegelporten og kabelen, og at rett grensesnitt står i agent.toml. Køyr varde-agent doctor.
remedy-silent = Sjekk at maskina er på, at ho når nettet, og at tenesta varde-agent går. Køyr varde-agent doctor.
remedy-never-came = Sensoren er kopla til, men har aldri meldt seg. Start tenesta varde-agent, og køyr varde-agent doctor.
remedy-approval = Ring responsmiljøet og les opp orda for det. Dei godkjenner sensoren.
remedy-token = Eingongskoden er ikkje brukt enno. Køyr varde-agent enroll på maskina.
remedy-token-expired = Eingongskoden er gått ut utan å vere brukt. Be responsmiljøet om ein ny.
remedy-quarantined = To maskiner bruker same identitet. Slå av kopien, og ring responsmiljøet.
remedy-revoked = Sensoren er sperra. Ring responsmiljøet om det ikkje er meininga.
leadership-hit = Er vi råka?
leadership-doing = Kva gjer vi?
leadership-ring = Kven ringjer vi?
leadership-nothing = Ingenting må gjerast no.
leadership-nothing-said = Ingen tiltak er melde enno. Spør den de ringjer først, sjå under.
leadership-unread = { $n ->
    [1] 1 varsel er ikkje stadfesta lese hos oss
   *[other] { $shown } varsel er ikkje stadfesta lesne hos oss
}
leadership-out-of-hours = utanom arbeidstid
leadership-ring-none = Ingen telefonnummer er registrerte hos oss. Be IT-ansvarleg leggje dei inn her i Varde.
leadership-ring-operator = Responsmiljøet,
leadership-operator-unknown = Numra til responsmiljøet står ikkje her. Bruk det de har fått frå
# Vidare frå sidene til andre
onward-title = Ein augneblink
onward-words = Sida går vidare av seg sjølv. Gjer ho ikkje det, bruk lenkja.
onward-link = Gå vidare
advisory-mail-hung = { $member }: var på veg { $at }, og ingen veit om han kom fram. Ring, eller send han på nytt.
# Å skrive eit varsel
write-title = Skriv eit varsel
write-change = Endre utkastet
write-about = Handlar om
write-words = Det er eit utkast til du har sett over det og sendt det. Ingen får noko før det.
write-problems = Ingenting er lagra enno. Rett dette:
write-heading = Overskrift
write-text = Tekst
write-markup = Vanleg tekst. # og ## byrjar overskrifter, - punkt, 1. steg, og ei tom linje skil avsnitt. Lenkjer og HTML blir ståande som tekst.
write-tlp = Kor langt kan det delast?
write-tlp-clear = fritt
write-tlp-green = i sektoren
write-tlp-amber = i eiga verksemd, og med dei som må vite det
write-tlp-strict = berre i eiga verksemd
write-tlp-red = berre den som les
write-to = Kven skal ha det?
write-to-campaign = Medlemmene i kampanjen, slik dei er når det blir sendt
write-to-all = Alle medlemmer
write-to-chosen = Desse:
write-numbers = Kommunenummer
write-numbers-words = Med mellomrom eller komma mellom. Blir brukte når «Desse» er valt.
write-measures = Kva dei bør gjere
write-measures-words = Tiltak frå banken. Dei som er føreslegne, følgjer av kor langt det kom. Vel du andre, gjeld dei alle som får varselet.
write-proposed = føreslege
write-button = Lagre og sjå over
write-wrong-title = { $language }: overskrifta manglar, er lengre enn { $most } byte eller går over fleire linjer.
write-wrong-no-text = { $language }: teksten manglar. Skriv kva medlemmene må vite og gjere, eller tøm overskrifta.
write-wrong-text = { $language }: teksten er lengre enn { $most } byte eller har styreteikn i seg. Kort han ned, og lim inn som rein tekst.
write-wrong-nothing = Det står ingen tekst på bokmål eller nynorsk. Skriv ein av dei.
write-wrong-tlp = Vel kor langt det kan delast.
write-wrong-nobody = Vel kven som skal ha det, til dømes 3407 0301.
write-wrong-member = { $number } er ikkje nummeret til ein medlem. Skriv fire siffer, til dømes 3407.
write-wrong-campaign = Varselet handlar ikkje om ein kampanje. Vel medlemmer, eller alle.
write-wrong-measures = Vel høgst { $most } tiltak frå banken.
write-wrong-changed = Nokon har endra utkastet sidan du opna det. Det du skreiv, står her og er ikkje lagra. Sjå på utkastet slik det er no; lagrar du etterpå, gjeld det som står her.
write-as-it-is = Sjå på utkastet slik det er no
written-title = Sjå over utkastet
draft-reach = Kven får det
draft-members = { $n ->
    [0] Ingen medlemmer får det.
    [1] 1 medlem får det.
   *[other] { $shown } medlemmer får det.
}
draft-mails = { $mail } av { $of } får e-post om at det er kome. Han seier ikkje noko om innhaldet.
draft-no-mail = Ingen får e-post: det står ingen mail_server i collector.toml.
draft-who = Vis medlemmene
draft-calls = { $n ->
    [1] 1 medlem får ikkje e-post, og må ringjast
   *[other] { $shown } medlemmer får ikkje e-post, og må ringjast
}
draft-nobody = Det går ikkje til nokon. Vel kven som skal ha det.
draft-send = Send det
draft-send-words = Det som er sendt, blir aldri endra. Er noko feil, kan det rettast med ein ny versjon eller trekkjast tilbake.
draft-seen = Eg har lese det slik medlemmene får det
draft-unread = Kryss av for at du har lese det. Ingenting er sendt enno.
draft-unsent-changed = Nokon har endra utkastet sidan det vart vist, så ingenting er sendt. Les det på nytt nedanfor, og send det då.
draft-send-button = { $n ->
    [1] Send til 1 medlem
   *[other] Send til { $shown } medlemmer
}
draft-change = Endre
draft-drop = Forkast utkastet
draft-preview = Slik les medlemmene det
draft-by-member = Tiltaka er føreslegne for kampanjen. Kvar medlem får dei som passar til kor langt det kom der, øvst.
advisory-to-draft = Sjå over og send
advisory-mail-again = Send e-posten på nytt til dei han ikkje nådde

# People and formats, as pages of intelligence name them
draft-format-csv = tabell (CSV)
draft-format-plain = liste, éin på kvar linje
draft-format-prose = tekst eller e-post
intel-account = { $name } (konto)

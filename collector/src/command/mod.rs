//! One file a subcommand. Exit codes: 0 done, 1 it could not be done (says why and what to do), 2 wrong usage.

pub mod advisory;
mod advisory_words;
pub mod alert;
pub mod allow;
pub mod audit;
pub mod audited;
pub mod backup;
mod brake;
pub mod ca;
pub mod campaign;
pub mod channel;
pub mod draft;
pub mod import;
mod import_text;
mod import_words;
pub mod incident;
pub mod indicator;
pub mod indicator_show;
pub mod init;
pub mod key;
pub mod lint;
pub mod lint_list;
pub mod measure;
pub mod member;
pub mod member_file;
pub mod member_leave;
pub mod member_mail;
pub mod member_set;
pub mod member_show;
pub mod noise;
pub mod pilot;
pub mod publish;
pub mod reader;
pub mod recall;
pub mod restore;
pub mod root;
pub mod ruling;
pub mod run;
pub mod sensor;
pub mod sensor_events;
pub mod sensor_site;
pub mod sighting;
pub mod sign;
pub mod silence;
pub mod source;
pub mod source_add;
pub mod statistics;
pub mod status;
pub mod token;
pub mod user;

pub mod why;

mod conductor;
mod duty;
mod export;
pub mod for_pages;
mod guards;
mod handing_over;
mod held;
mod incident_work;
mod indicator_lint;
mod indicator_standing;
pub mod list;
mod listing;
pub mod not_published;
mod noted;
mod numbers;
pub mod pasted;
#[cfg(test)]
mod published_tests;
mod release;
mod say;
mod sensor_list;
mod staged;
mod verdict;
mod work;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The data directory unless `--data` names another.
const DEFAULT_DIRECTORY: &str = "/var/lib/varde-collector";

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 it could not be done, and why; 2 wrong usage.
Settings: DIR/collector.toml, else /etc/varde-collector/collector.toml. Log: standard error, VARDE_LOG chooses how much.";

/// The collector: publishes signed indicator lists to the members' sensors, takes in their alerts, shows what they have
/// in common.
#[derive(Debug, Parser)]
#[command(name = "varde-collector", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// The data directory.
    #[arg(long, global = true, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
    pub data: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make keys and database, or change the collector's name or address.
    Init(init::InitArguments),
    /// Run the collector until it is told to stop (SIGTERM, Ctrl-C).
    Run(run::RunArguments),
    /// Whether the collector runs and is well, and whether its heartbeats arrive.
    Status(status::StatusArguments),
    /// The members of the community.
    #[command(subcommand)]
    Member(member::MemberCommand),
    /// The certificate authority that lets sensors in.
    #[command(subcommand)]
    Ca(ca::CaCommand),
    /// The members' sensors.
    #[command(subcommand)]
    Sensor(sensor::SensorCommand),
    /// What keeps sensors from seeing or from being heard: operational incidents.
    #[command(subcommand)]
    Silence(silence::SilenceCommand),
    /// What sensors look for.
    #[command(subcommand)]
    Indicator(indicator::IndicatorCommand),
    /// Where intelligence is fetched from, again and again.
    #[command(subcommand)]
    Source(source::SourceCommand),
    /// What indicators are held against before they are published, what goes out in spite of it, and how long they live.
    #[command(subcommand)]
    Lint(lint::LintCommand),
    /// What never goes out, whatever source says so.
    #[command(subcommand)]
    Allow(allow::AllowCommand),
    /// Sign all valid indicators as a new list and send it to the pilot group, and from there to every sensor.
    #[command(
        after_help = "Where there is a pilot group (varde-collector pilot), a list goes to it first, and by itself to all once it has been in force there for the setting pilot_wait_s (an hour, counted from the first sensor that has it). It stops by itself where an indicator that is new in it hits more than pilot_members_percent of the members (30, and three at least) or more than pilot_hosts hosts (20): at the pilot group, and as long again for all (there of one member, and only where three of them are hit). Then that indicator is braked for 23 hours and recalled, and nothing more goes out before somebody publishes again. Without a pilot group it goes to everybody at once.
Where the list key is not here, it waits for a signature twice: for the pilot group and, once its time there is over, for all (publish --status).
Exit: 0 done, 1 nothing is published, 2 wrong usage."
    )]
    Publish(publish::PublishArguments),
    /// What the next list would change and would have hit, and that somebody has looked it through.
    #[command(subcommand)]
    Draft(draft::DraftCommand),
    /// The sensors that get a list before all others.
    #[command(subcommand)]
    Pilot(pilot::PilotCommand),
    /// Take an indicator out of every list at once, or put the list before the newest back into force.
    #[command(
        after_help = "An indicator that is recalled is taken out of the newest list of every channel, as a list of its own with the next number; what has been imported and not published since is not in it. It comes into no list by another import, until recall lift. With --list the newest list for all goes: what the one before held is in force again, under a new number (sensors take no older one), and what the newest had brought is recalled.
Where the list key is not here the list waits for its signature, and sensors count the indicator only meanwhile, for 23 hours at most (indicator brakes).
Exit: 0 it is recalled, 1 it is not, or not everywhere (again does the rest), 2 wrong usage."
    )]
    Recall(recall::RecallArguments),
    /// Who has an account at the pages.
    #[command(subcommand)]
    User(user::UserCommand),
    /// What programs read the API with, and screens on walls the overview.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Firewalls, resolvers and servers that read the list over HTTPS.
    #[command(subcommand)]
    Reader(reader::ReaderCommand),
    /// What MISP servers are told of verdicts on their attributes.
    #[command(subcommand)]
    Sighting(sighting::SightingCommand),
    /// The newest list as a file, for sensors without contact.
    #[command(subcommand)]
    List(list::ListCommand),
    /// The trust anchor: who may do what, and the next document that says so.
    #[command(subcommand)]
    Root(root::RootCommand),
    /// Put a signature on a root document or a list, on the machine where the key is; needs no data directory.
    Sign(sign::SignArguments),
    /// New signing keys; needs no data directory.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// What several members have in common.
    #[command(subcommand)]
    Campaign(campaign::CampaignCommand),
    /// Alerts of one member that belong together, what people report, and the work on both.
    #[command(subcommand)]
    Incident(incident::IncidentCommand),
    /// What is written to members, who has read it, and whom to ring.
    #[command(subcommand)]
    Advisory(advisory::AdvisoryCommand),
    /// What members can do: the bank of measures.
    #[command(subcommand)]
    Measure(measure::MeasureCommand),
    /// What looks like a false positive, and what a person says of it.
    #[command(subcommand)]
    Noise(noise::NoiseCommand),
    /// What the word of a campaign, an incident or an alert stands on.
    Why(why::WhyArguments),
    /// Numbers of alerts by day, also of those that are kept no longer.
    Statistics(statistics::StatisticsArguments),
    /// What sensors have raised.
    #[command(subcommand)]
    Alert(alert::AlertCommand),
    /// What was done here, by whom and on whom.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Copy everything a collector is, while it runs.
    Backup(backup::BackupArguments),
    /// Make the data directory what it was when a backup was made.
    Restore(restore::RestoreArguments),
}

/// Does what the command line says.
///
/// # Errors
/// Why it could not be done, in a sentence of cause and one of remedy.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let Cli { data, command } = cli;
    match command {
        Command::Init(arguments) => init::run(&data, arguments).await,
        Command::Run(arguments) => run::run(&data, arguments).await,
        Command::Status(arguments) => status::run(&data, &arguments).await,
        Command::Member(command) => member::run(&data, command).await,
        Command::Ca(command) => ca::run(&data, command).await,
        Command::Sensor(command) => sensor::run(&data, command).await,
        Command::Silence(command) => silence::run(&data, command).await,
        Command::Indicator(command) => indicator::run(&data, command).await,
        Command::Source(command) => source::run(&data, command).await,
        Command::Lint(command) => lint::run(&data, command).await,
        Command::Allow(command) => allow::run(&data, command).await,
        Command::Publish(arguments) => publish::run(&data, arguments).await,
        Command::Draft(command) => draft::run(&data, command).await,
        Command::Pilot(command) => pilot::run(&data, command).await,
        Command::Recall(arguments) => recall::run(&data, arguments).await,
        Command::User(command) => user::run(&data, command).await,
        Command::Token(command) => token::run(&data, command).await,
        Command::Reader(command) => reader::run(&data, command).await,
        Command::Sighting(command) => sighting::run(&data, command).await,
        Command::List(command) => list::run(&data, command).await,
        Command::Root(command) => root::run(&data, command).await,
        Command::Sign(arguments) => sign::run(&data, &arguments).await,
        Command::Key(command) => key::run(&data, &command).await,
        Command::Campaign(command) => campaign::run(&data, command).await,
        Command::Incident(command) => incident::run(&data, command).await,
        Command::Alert(command) => alert::run(&data, command).await,
        Command::Advisory(command) => advisory::run(&data, command).await,
        Command::Measure(command) => measure::run(&data, command).await,
        Command::Noise(command) => noise::run(&data, command).await,
        Command::Why(arguments) => why::run(&data, arguments).await,
        Command::Statistics(arguments) => statistics::run(&data, arguments).await,
        Command::Audit(command) => audit::run(&data, command).await,
        Command::Backup(arguments) => backup::run(&data, arguments).await,
        Command::Restore(arguments) => restore::run(&data, arguments).await,
    }
}

/// An error and its causes as one sentence; a cause that the sentence already holds is not repeated.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if !sentence.contains(&cause) {
            if !sentence.is_empty() {
                sentence.push_str(": ");
            }
            sentence.push_str(&cause);
        }
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_what_scripts_depend_on() {
        Cli::command().debug_assert();
        for line in [
            "init",
            "init --name Kommune-CSIRT --address varde.example:7843",
            "run --quic 127.0.0.1:0 --enroll 127.0.0.1:0 --web 127.0.0.1:0",
            "status --json",
            "member add 3407 Gjøvik",
            "member list --json",
            "member show 3407 --json",
            "member set 3407 --language nynorsk --covered yes --supplier IKT --domain a.kommune.no --network 192.0.2.0/24",
            "member set 3407 --contact oncall --name Kari --telephone 22000000 --out-of-hours 90000000 --email a@b.no --confirmed today --json",
            "member set 3407 --no-supplier --no-domain a.kommune.no --no-network 192.0.2.0/24 --no-contact it",
            "member rename 3407 --name Gjøvik --number 3411",
            "member merge 3405 3407 --into 3411",
            "member remove 3407",
            "member leave 3407 --to left --yes --json",
            "member leave --again left/deletion.json",
            "member import members.csv --dry-run --json",
            "member export members.csv",
            "member export --json",
            "member mail 3407 --compromised --reason regler --json",
            "member mail 3407 --trusted --reason ryddet",
            "advisory new --title Falsk --text - --campaign 1 --tlp amber --measure keep-traces --json",
            "advisory new --title Falsk --text a.txt --language nn --all --no-measures",
            "advisory edit 1 --title Falsk --text a.txt --language nn",
            "advisory edit 1 --measure keep-traces --measure warn-staff --tlp red --json",
            "advisory preview 1 --json",
            "advisory send 1 --json",
            "advisory show 1 --json",
            "advisory list --campaign 1 --json",
            "advisory read-by 1 --called 3407 --json",
            "advisory recipients 1 --add 3407 --remove 0301",
            "advisory recipients 1 --add-proposed --json",
            "advisory correct 1 --json",
            "advisory withdraw 1 --reason feil --json",
            "measure list --campaign 1 --language nn --json",
            "measure show keep-traces --file",
            "measure edit keep-traces --words a.toml --language en",
            "measure reset keep-traces",
            "incident measure 7 --from-bank keep-traces --status planned",
            "sensor token 3407",
            "sensor list --json",
            "sensor events 3 --limit 50 --json",
            "sensor revoke 3",
            "silence list --json",
            "silence list --open --sensor 3 --member 3407 --limit 10",
            "ca next",
            "ca switch",
            "sensor token 3407 --replaces 3",
            "sensor move 3 --member 0301",
            "sensor site add 3 1 --member 0301",
            "sensor site remove 3 1",
            "sensor site list --json",
            "sensor site list 3",
            "sensor channel 3 pilot --key list.key",
            "sensor channel --accept word.json",
            "lint list add list.json --name tranco --level warn",
            "lint list list --json",
            "lint list show sinkholes",
            "lint list remove tranco",
            "lint override 8.8.8.8 --reason why --until 2027-01-31",
            "lint override 17 --end",
            "lint overrides --json",
            "lint lifetime",
            "lint lifetime address 14",
            "allow add supplier.example --reason ours --until 2027-01-31T12:00:00Z",
            "allow list --json",
            "allow remove supplier.example",
            "indicator lint --json",
            "publish --channel pilot --allow-shrink",
            "sensor approve 3",
            "sensor refuse 3",
            "indicator import list.txt --threat Lure --severity high --confidence 90 --tlp amber+strict --valid-from 2026-01-01T00:00:00Z --exercise",
            "indicator import -",
            "source add vaktmester --kind taxii https://t.example/taxii2/ --collection 91a7b528 --every 30m --tlp amber --confidence 60 --ca ca.pem --auth-file secret --json",
            "source add liste --kind file https://f.example/list.csv --format csv --column 2 --max-size 10M --within 5m --proxy http://proxy.example:3128",
            "source list --json",
            "source fetch liste --dry-run --json",
            "source fetch liste --release-held",
            "source show liste --json",
            "source set liste --turns-over yes",
            "source add nyeste --kind file https://f.example/last-day --turns-over",
            "source pause liste",
            "source resume liste",
            "source remove liste --withdraw",
            "indicator import list.txt --exercise=no --replace --dry-run",
            "indicator list --json --limit 10 --after 7",
            "indicator show 7 --json",
            "indicator show evil.example",
            "indicator export --format stix --tlp-max green --out bundle.json",
            "indicator export --format rpz",
            "reader add brannmur --tlp amber --member 3407 --until 2027-01-01T00:00:00Z",
            "reader add misp --tlp amber+strict --own --json",
            "reader add unbound --path-token",
            "reader list --json",
            "reader remove 3",
            "user add kari --role it --member 3407 --json",
            "user add per --role administrator",
            "user list --json",
            "user show kari --json",
            "user disable kari",
            "user enable kari",
            "user link kari --json",
            "user reset kari --json",
            "user sessions kari --end",
            "user sessions kari --json",
            "user role kari analyst",
            "token add vegg --role wall --until 2027-01-01T00:00:00Z",
            "token add siem --role it --member 3407 --json",
            "token list --json",
            "token remove 3",
            "sighting to MISP --url https://misp.example --key-file misp.key --ca ca.pem",
            "sighting off MISP",
            "sighting list --json",
            "sighting send",
            "publish --key list.key",
            "publish --export waiting.json",
            "publish --accept waiting.json",
            "publish --status --json",
            "publish --pending",
            "publish --draft 0123456789abcdef",
            "publish --now --reason haster",
            "draft show --json",
            "draft review 0123456789abcdef --reason lest",
            "pilot add 3 4",
            "pilot add --member 3407",
            "pilot remove 3 --key list.key",
            "pilot list --json",
            "recall 7 vond.example --reason falsk",
            "recall --list --reason falsk",
            "recall lift 7 --reason ekte",
            "recall show --json",
            "root show --json",
            "root next next.json --add root=0123456789abcdef0123456789abcdef --retire list=0123456789abcdef0123456789abcdef --threshold root=2 --add-ca ca.crt --retire-ca 00 --days 400 --force",
            "root accept next.json",
            "sign next.json --key root.key --yes",
            "key make root.key --json",
            "campaign list --json",
            "campaign split 1 --incidents 3,4 --reason x --json",
            "campaign split 1 --by-indicator vond.example --reason x",
            "campaign merge 1 2 --reason x --json",
            "noise list --all --json",
            "noise accept 7 --reason x --json",
            "noise reject 7 --reason x",
            "noise guards --all --json",
            "noise lift 7 --reason x",
            "noise hold 7 --reason x --json",
            "why incident 3 --json",
            "why 6f1c27d0-94be-4b0c-8a55-3e0d7b1fc2a9",
            "incident list --json",
            "incident list --open",
            "incident show 7 --json",
            "incident new --member 3407 --title Løsepenger --seen 2026-11-21T14:05:00+01:00 --indicator 7 --indicator evil.no --threat Lure --evidence contacted --exercise --json",
            "incident triage 7 --json",
            "incident confirm 7 --at 2026-11-21T14:05:00Z",
            "incident contain 7",
            "incident close 7 --as false-positive --reason x --json",
            "incident close 7 --as duplicate --of 5 --reason x",
            "incident reopen 7 --reason x",
            "incident assign 7 --to Kari",
            "incident assign 7 --nobody --json",
            "incident note 7 --text x --members",
            "incident measure 7 --text x --status planned --csirt-only",
            "incident measure 7 --change 12 --status not-applicable --at 2026-11-21T14:05:00Z --json",
            "incident clock 7 discovered --at 2026-11-21T14:05:00Z",
            "incident clock 7 personal-data-breach suspected",
            "incident clock 7 withdrawn nsm --reason x --json",
            "campaign close 7 --as confirmed --reason x --with-incidents",
            "campaign reopen 7 --reason x --json",
            "campaign assign 7 --to Kari",
            "campaign note 7 --text x --members",
            "silence assign 7 --to Kari",
            "silence note 7 --text x --json",
            "alert list --json",
            "alert verdict 7 false-positive --reason x --json",
            "alert verdict 7 none --reason x",
            "indicator verdict 7 none --reason x --json",
            "statistics --json",
            "statistics --member 3407 --from 2026-01-01 --to 2026-12-31",
            "audit list --json",
            "audit verify --json --head 0000000000000000000000000000000000000000000000000000000000000000",
            "audit export --member 3407 --json",
            "backup /mnt/backups --without-keys --json",
            "restore /mnt/backups/varde-collector-20261129T155410Z --json",
        ] {
            for with_data in [format!("varde-collector --data d {line}"), format!("varde-collector {line} --data d")] {
                let cli = Cli::try_parse_from(with_data.split(' '));
                assert_eq!(cli.map(|cli| cli.data).unwrap(), PathBuf::from("d"), "{line}");
            }
        }
        for wrong in [
            "",
            "sensor token 12345",
            "sensor revoke x",
            "sensor site add 3 0 --member 0301",
            "sensor site add 3 70000 --member 0301",
            "sensor site add 3 1",
            "sensor channel 3",
            "sensor channel 3 Pilot",
            "sensor channel",
            "sensor events 3 --limit 0",
            "silence list --limit 0",
            "silence list --member 34O7",
            "member add 34O7 G",
            "member add 958935421 Oslo",
            "member rename 3407",
            "member merge 3407",
            "member leave 3407",
            "member leave 3407 --to a --again b",
            "member set 3407 --telephone 22000000",
            "member set 3407 --contact it --telephone 1234567",
            "member set 3407 --network 10.0.0.0/8",
            "member set 3407 --domain kommune.no",
            "indicator import",
            "source add a --kind rss https://a.example/",
            "source add a https://a.example/",
            "source add a --kind file https://a.example/ --every 1m",
            "source add a --kind file https://a.example/ --every often",
            "source add a --kind file https://a.example/ --max-size 9T",
            "source fetch a --dry-run --release-held",
            "backup",
            "restore",
            "indicator import a --severity bad",
            "audit export",
            "audit verify --head 00",
            "root next",
            "root next f --add king=0123456789abcdef0123456789abcdef",
            "sign f",
            "publish --export a --accept b",
            "publish --now",
            "publish --reason haster",
            "publish --now --reason haster --channel pilot",
            "draft review 0123456789abcdef",
            "pilot add",
            "recall 7",
            "recall --reason x",
            "recall --list 7 --reason x",
            "recall lift 7",
            "indicator import a --confidence 101",
            "run --web here",
            "alert verdict 7 confirmed",
            "incident close 7 --as done --reason x",
            "incident close 7 --as confirmed",
            "incident assign 7",
            "incident measure 7 --status done",
            "incident note 7",
            "incident new --member 3407 --title x",
            "incident reopen 7",
            "campaign close 7 --reason x",
            "campaign split 1 --reason x",
            "campaign split 1 --incidents 3 --by-indicator 7 --reason x",
            "campaign split 1 --incidents 3",
            "campaign merge 1 --reason x",
            "noise accept 7",
            "noise lift 7",
            "advisory new --title Falsk",
            "advisory edit 1",
            "advisory new --title Falsk --text a --tlp white",
            "advisory withdraw 1",
            "member mail 3407 --compromised",
            "incident measure 7 --status planned",
            "why",
            "why incident 3 4",
            "statistics --from yesterday",
            "indicator verdict 7 none",
            "indicator verdict 7 confirmed --reason x",
            "indicator export --format pdf",
            "indicator export --format stix --tlp-max red",
            "reader add x --tlp red",
            "reader add x --own --member 3407",
            "reader remove",
            "user add kari",
            "user add kari --role chief",
            "user add k --role it",
            "token add vegg",
            "sighting to MISP --url https://misp.example",
            "alert verdict 7 maybe --reason x",
        ] {
            let words = ["varde-collector"].into_iter().chain(wrong.split(' ').filter(|word| !word.is_empty()));
            assert_eq!(Cli::try_parse_from(words).unwrap_err().exit_code(), 2, "{wrong}");
        }
        let default = Cli::try_parse_from(["varde-collector", "init"]).unwrap();
        assert_eq!(default.data, PathBuf::from("/var/lib/varde-collector"));
    }

    #[test]
    fn a_cause_is_said_once() {
        let inner = std::io::Error::other("no room");
        let error = anyhow::Error::new(inner).context("cannot write: no room").context("init failed");
        assert_eq!(sentence(&error), "init failed: cannot write: no room");
    }
}

//! The figures B1 to B6: gathered over several rounds, shown as medians beside the bars of `performance.md`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use varde_tests::bulk::play::Kind;
use varde_tests::bulk::verdict::{Verdict, verdict};

use crate::measure::{Meter, loaded, median};
use crate::{LIST_1M, LIST_10K};

/// What loading one list takes.
#[derive(Debug, Clone, Copy, Default)]
struct Loading {
    cpu_s: f64,
    resident_mib: f64,
    peak_mib: f64,
}

/// What one capture takes, medians.
#[derive(Debug)]
struct OfCapture {
    kind: Kind,
    packets: u64,
    /// CPU seconds per million packets: libpcap's loop, the block walk, the agent with 10k and 1M.
    pcap: f64,
    blocks: f64,
    agent_10k: f64,
    agent_1m: f64,
    peak_mib: f64,
    verdict: Verdict,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Figures {
    loading: BTreeMap<&'static str, Loading>,
    captures: Vec<OfCapture>,
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

impl Figures {
    /// Measures loading a list: over a capture without packets, and at rest before the first packet.
    pub(super) fn loading(
        &mut self,
        meter: &Meter,
        agent: &Path,
        folder: &Path,
        list: &'static str,
        rounds: usize,
    ) -> Result<()> {
        let header = [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1];
        std::fs::write(folder.join("empty.pcap"), header.map(u32::to_le_bytes).concat())?;
        let agent_path = agent.display().to_string();
        let (list_path, empty) = (path(folder, list), path(folder, "empty.pcap"));
        let mut cpu = Vec::new();
        for _ in 0..rounds {
            cpu.push(meter.run(&[&agent_path, "inspect", "--json", "--indicators", &list_path, &empty])?.cpu_s);
        }
        let (resident_mib, peak_mib) = loaded(agent, &folder.join(list), folder)?;
        self.loading.insert(list, Loading { cpu_s: median(cpu), resident_mib, peak_mib });
        Ok(())
    }

    /// Measures one capture: both references and the agent with both lists, in every round.
    pub(super) fn capture(
        &mut self,
        meter: &Meter,
        agent: &Path,
        folder: &Path,
        kind: Kind,
        packets: u64,
        rounds: usize,
    ) -> Result<()> {
        let agent = agent.display().to_string();
        let capture = path(folder, &format!("{}.pcap", kind.name()));
        let millions = packets as f64 / 1e6;
        let [mut pcap, mut blocks, mut small, mut large, mut peak] = [const { Vec::new() }; 5];
        let mut said = String::new();
        // Everybody reads it from the page cache.
        meter.reference("blocks", &capture, packets)?;
        for _ in 0..rounds.max(1) {
            pcap.push(meter.reference("pcap", &capture, packets)?.cpu_s / millions);
            blocks.push(meter.reference("blocks", &capture, packets)?.cpu_s / millions);
            for list in [LIST_10K, LIST_1M] {
                let list_path = path(folder, list);
                let cost = meter.run(&[&agent, "inspect", "--json", "--indicators", &list_path, &capture])?;
                let load_s = self.loading.get(list).copied().unwrap_or_default().cpu_s;
                let per_million = (cost.cpu_s - load_s) / millions;
                if list == LIST_1M {
                    large.push(per_million);
                    peak.push(cost.peak_mib);
                    said = cost.out;
                } else {
                    small.push(per_million);
                }
            }
        }
        let oracle = folder.join(format!("{}.oracle.jsonl", kind.name()));
        self.captures.push(OfCapture {
            kind,
            packets,
            pcap: median(pcap),
            blocks: median(blocks),
            agent_10k: median(small),
            agent_1m: median(large),
            peak_mib: median(peak),
            verdict: verdict(&oracle, &said)?,
        });
        Ok(())
    }

    /// As one JSON object.
    pub(super) fn json(&self) -> Value {
        let loading = |list| self.loading.get(list).copied().unwrap_or_default();
        let lists: BTreeMap<&str, Value> = [LIST_10K, LIST_1M]
            .into_iter()
            .map(|list| {
                let Loading { cpu_s, resident_mib, peak_mib } = loading(list);
                (list, json!({"load_cpu_s": cpu_s, "resident_mib": resident_mib, "load_peak_mib": peak_mib}))
            })
            .collect();
        let captures: BTreeMap<&str, Value> = self
            .captures
            .iter()
            .map(|of| {
                let (found, planted) = of.verdict.total();
                let value = json!({
                    "packets": of.packets,
                    "cpu_s_per_million": {
                        "libpcap": of.pcap, "blocks": of.blocks, "agent_10k": of.agent_10k, "agent_1m": of.agent_1m,
                    },
                    "ratio_to_libpcap": of.agent_1m / of.pcap,
                    "growth_10k_to_1m": of.agent_1m / of.agent_10k,
                    "peak_mib": of.peak_mib,
                    "found": found,
                    "planted": planted,
                    "classes": of.verdict.classes,
                    "decoys": of.verdict.decoys.len(),
                    "others": of.verdict.others.len(),
                    "other_evidence": of.verdict.other_evidence.len(),
                });
                (of.kind.name(), value)
            })
            .collect();
        json!({"lists": lists, "captures": captures})
    }

    /// As a table for people, each figure with the command that repeats it.
    pub(super) fn print(&self, agent: &Path, folder: &Path) {
        let loading = |list| self.loading.get(list).copied().unwrap_or_default();
        let (short, long) = (loading(LIST_10K), loading(LIST_1M));
        for of in &self.captures {
            let kind = of.kind.name();
            println!("{kind}: {} packets; CPU s per million packets, loading taken off", of.packets);
            println!("  reading only: libpcap loop {:.3}, 1 MiB blocks {:.3}", of.pcap, of.blocks);
            println!("  agent: 10k {:.3}, 1M {:.3}", of.agent_10k, of.agent_1m);
            let ratio = of.agent_1m / of.pcap;
            match of.kind {
                Kind::Mix => println!("  B1  {ratio:.2} x the libpcap loop (bar 1.0 x)"),
                Kind::Dns => {
                    println!("  B2  {:.3} s/M = {ratio:.2} x the libpcap loop (bar 0.45 s/M = 6.4 x)", of.agent_1m)
                }
            }
            println!("  B3  10k to 1M: {:.3} x (bar 1.05 x)", of.agent_1m / of.agent_10k);
            println!("  B4  peak resident with 1M: {:.1} MiB (bar 64)", of.peak_mib);
            let (found, planted) = of.verdict.total();
            let Verdict { decoys, others, other_evidence, missing, classes } = &of.verdict;
            println!("  B6  found {found} of {planted}; decoys {}; anything else {}", decoys.len(), others.len());
            println!("      of the found, with other evidence than shown: {}", other_evidence.len());
            for (class, (found, planted)) in classes {
                println!("      {class}: {found} of {planted}");
            }
            for line in missing.iter().take(3).chain(decoys.iter().take(5)).chain(others.iter().take(5)) {
                println!("      e.g. {line}");
            }
            for line in other_evidence.iter().take(3) {
                println!("      e.g. {line}");
            }
        }
        println!("lists: resident at rest: 10k {:.1} MiB, 1M {:.1} MiB", short.resident_mib, long.resident_mib);
        println!(
            "  B4  resident with 1M: {:.1} MiB (bar 45); peak while loading {:.1}",
            long.resident_mib, long.peak_mib
        );
        println!("  B5  loading from plain text: 10k {:.3} s, 1M {:.3} s CPU (bar 0.25)", short.cpu_s, long.cpu_s);
        let (agent, folder) = (agent.display(), folder.display());
        println!("again by hand:");
        println!("  {folder}/reference pcap {folder}/mix.pcap; {folder}/reference blocks {folder}/mix.pcap");
        println!("  {folder}/reference meter /dev/stderr \\");
        println!("    {agent} inspect --json --indicators {folder}/{LIST_1M} {folder}/mix.pcap > alerts.jsonl");
        println!("  (exit code, user and system microseconds, peak KiB; with empty.pcap: loading alone)");
    }
}

//! Searching for what must not be there: a marked word in every form in which bytes might carry it.

use std::fs;
use std::net::Ipv6Addr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use varde_common::trust::hex;

use crate::traffic::Packet;

/// A form of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What form, for the message.
    pub what: &'static str,
    /// Its octets, letters in lower case unless `exact`.
    pub octets: Vec<u8>,
    /// Whether case matters.
    pub exact: bool,
}

/// Base64 of `octets` somewhere inside a longer text: the letters that depend on nothing before or after, for each of the
/// three places it may begin.
fn base64_inside(octets: &[u8]) -> Vec<Vec<u8>> {
    let at = |shift: usize| {
        let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(octets.iter().copied()).collect();
        let text = STANDARD.encode(&padded);
        let from = [0, 2, 3][shift];
        let until = padded.len() * 8 / 6;
        text.as_bytes().get(from..until).unwrap_or_default().to_vec()
    };
    (0..3).map(at).collect()
}

/// Every form of raw octets: as they are, hex, base64.
pub fn forms_of_octets(octets: &[u8]) -> Vec<Form> {
    let mut forms = vec![
        Form { what: "octets", octets: octets.to_vec(), exact: true },
        Form { what: "hex", octets: hex(octets).into_bytes(), exact: false },
    ];
    forms.extend(base64_inside(octets).into_iter().map(|octets| Form { what: "base64", octets, exact: true }));
    forms
}

/// Every form of a text: ASCII in any case, UTF-16, hex, base64 (also of its UTF-16). A marked word that is the beginning
/// of a label is found in wire form too: there it stands as it is.
pub fn forms_of_text(text: &str) -> Vec<Form> {
    let text = text.to_ascii_lowercase();
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
    let mut forms = vec![
        Form { what: "text", octets: text.clone().into_bytes(), exact: false },
        Form { what: "UTF-16", octets: little.clone(), exact: false },
        Form { what: "UTF-16", octets: big, exact: false },
    ];
    forms.extend(forms_of_octets(text.as_bytes()));
    forms.extend(base64_inside(&little).into_iter().map(|octets| Form { what: "base64", octets, exact: true }));
    forms
}

/// Every form of an IPv6 address that begins with these three groups.
pub fn forms_of_prefix(prefix: Ipv6Addr) -> Vec<Form> {
    let [a, b, c, ..] = prefix.segments();
    let mut forms = forms_of_text(&format!("{a:x}:{b:x}:{c:x}"));
    forms.extend(forms_of_octets(prefix.octets().get(..6).unwrap_or_default()));
    forms
}

/// Where a form stands in some octets.
fn place(haystack: &[u8], lowered: &[u8], form: &Form) -> Option<usize> {
    memchr::memmem::find(if form.exact { haystack } else { lowered }, &form.octets)
}

/// The first form found in some octets, with its place.
pub fn found_in(octets: &[u8], forms: &[Form]) -> Option<String> {
    let lowered = octets.to_ascii_lowercase();
    forms.iter().find_map(|form| {
        let at = place(octets, &lowered, form)?;
        let around = octets.get(at.saturating_sub(40)..(at + 60).min(octets.len())).unwrap_or_default();
        Some(format!("as {} at byte {at}: …{}…", form.what, String::from_utf8_lossy(around).escape_debug()))
    })
}

/// Every regular file below a folder.
///
/// # Errors
/// The file system's own.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// What is found in the files below a folder, one sentence each; nothing is the hoped-for answer.
///
/// # Errors
/// The file system's own.
pub fn found_below(folder: &Path, forms: &[Form]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in files_below(folder)? {
        // A program may remove its own files while we look.
        let Ok(octets) = fs::read(&file) else { continue };
        found.extend(found_in(&octets, forms).map(|what| format!("{}: {what}", file.display())));
    }
    Ok(found)
}

/// Octets of a process' memory read at once.
const MEMORY_READ_OCTETS: usize = 4 << 20;
/// Octets read once more with the next piece: longer than any form.
const OVERLAP_OCTETS: usize = 1024;

/// Every place in these packets where a form stands, with the twelve octets in front of it.
pub fn crossings(packets: &[Packet], forms: &[Form]) -> Vec<Vec<u8>> {
    let mut crossings = Vec::new();
    for packet in packets {
        for form in forms {
            let places = memchr::memmem::find_iter(&packet.ip, &form.octets);
            let around = places.map(|at| packet.ip.get(at.saturating_sub(12)..at + form.octets.len()));
            crossings.extend(around.flatten().map(<[u8]>::to_vec));
        }
    }
    crossings
}

/// What is found in the memory of a running process, region by region, one sentence each, and how many octets of it could be
/// read. What a core dump would hold is part of that. `crossed` are octets around a secret as they crossed the wire: what lies
/// within those is a packet that its buffer still holds, and is passed over.
///
/// # Errors
/// When there is no such process, or this one may not read it.
pub fn found_in_memory(pid: u32, forms: &[Form], crossed: &[Vec<u8>]) -> Result<(Vec<String>, u64)> {
    let (mut found, mut octets) = (Vec::new(), 0);
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let memory = fs::File::open(format!("/proc/{pid}/mem"))?;
    let mut piece = vec![0; MEMORY_READ_OCTETS];
    for line in maps.lines() {
        let number = |text: Option<&str>| text.and_then(|text| u64::from_str_radix(text, 16).ok());
        let (range, rest) = line.split_once(' ').context("a line of maps")?;
        let mut borders = range.split('-');
        let (Some(start), Some(end)) = (number(borders.next()), number(borders.next())) else { continue };
        let name = rest.split_whitespace().nth(4).unwrap_or("anonymous");
        let mut at = start;
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(piece.len());
            let Some(room) = piece.get_mut(..wanted) else { break };
            // Pages without access, and what the kernel keeps for itself, cannot be read by anybody.
            let Ok(read @ 1..) = memory.read_at(room, at) else { break };
            let there = piece.get_mut(..read).unwrap_or_default();
            for packet in crossed {
                while let Some(place) = memchr::memmem::find(there, packet) {
                    there.iter_mut().skip(place).take(packet.len()).for_each(|octet| *octet = 0);
                }
            }
            found.extend(found_in(there, forms).map(|what| format!("{name} {range} at {at:x}: {what}")));
            octets += read as u64;
            at += (read.saturating_sub(OVERLAP_OCTETS).max(1)) as u64;
            if read < wanted || at + OVERLAP_OCTETS as u64 >= end {
                break;
            }
        }
    }
    Ok((found, octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_word_is_found_in_every_form() {
        let forms = forms_of_text("kanari");
        let wide: Vec<u8> = "xkanari9".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let planted: Vec<Vec<u8>> = vec![
            b"..KANARI01..".to_vec(),
            b"\x08kanari01\x02no\x00".to_vec(),
            wide.clone(),
            hex(b"..kanari..").into_bytes(),
            hex(b"kanari").to_uppercase().into_bytes(),
            STANDARD.encode(b"kanari77").into_bytes(),
            STANDARD.encode(b"x.kanari77").into_bytes(),
            STANDARD.encode(b"xy.kanari").into_bytes(),
            STANDARD.encode(wide).into_bytes(),
        ];
        for octets in planted {
            assert!(found_in(&octets, &forms).is_some(), "{}", String::from_utf8_lossy(&octets));
        }
        assert_eq!(found_in(b"a canary, kanar, ikanar", &forms), None);
    }

    #[test]
    fn a_planted_address_is_found_as_text_and_octets() {
        let forms = forms_of_prefix("fd66:6b61:6e61::".parse().unwrap());
        let address: Ipv6Addr = "fd66:6b61:6e61::7".parse().unwrap();
        assert!(found_in(address.to_string().as_bytes(), &forms).is_some());
        assert!(found_in(&[&[1, 2, 3][..], &address.octets()].concat(), &forms).is_some());
        assert!(found_in(b"fd66:6b62::", &forms).is_none());
    }
}

//! DNS messages (RFC 1035 section 4) by reference: header, first question and answers, within stated budgets.
//!
//! A message is accepted once its header and first question are read. Whatever comes after that can only shorten the
//! list of answers, so a broken or overlong answer section never hides who asked for what.

mod refused;
#[cfg(test)]
pub(crate) mod sample;
mod service;

use std::net::IpAddr;
use std::ops::Range;

use varde_common::limits::NAME_MAX_OCTETS;
use varde_common::name::{DomainName, Name, NameBuf};
use varde_common::observation::{Answer, AnswerData, dns};

use crate::limits::{ANSWERS_MAX, NAME_OCTETS_MESSAGE_MAX, POINTER_HOPS_MAX, POINTER_HOPS_MESSAGE_MAX};

pub use refused::{BadMessage, RefusedMessages};
use service::Service;

/// A message's header (RFC 1035 section 4.1.1).
pub const HEADER_OCTETS: usize = 12;
const CLASS_IN: u16 = 1;
/// A root owner, type, class, TTL and length.
const RECORD_MIN_OCTETS: usize = 11;
/// Parameters of a service binding (RFC 9460 section 14.3.2).
const IPV4_HINT: u16 = 4;
const IPV6_HINT: u16 = 6;

/// A message whose header and first question were read.
#[derive(Clone)]
pub struct Message<'a> {
    /// The id (RFC 1035 section 4.1.1).
    pub id: u16,
    /// Whether it is a response (QR).
    pub response: bool,
    /// Recursion desired (RD).
    pub recursion_desired: bool,
    /// The header's four bits of RCODE.
    pub rcode: u8,
    /// The type of the first question.
    pub qtype: u16,
    qname: Asked<'a>,
    questions: u16,
    answers: u16,
    rest: Reader<'a>,
}

/// The name of a question.
#[derive(Clone)]
enum Asked<'a> {
    /// As it stands in the message: nearly always, and then it is not copied.
    There(Name<'a>),
    /// Put together: it has capitals or pointers.
    Copied(Box<NameBuf>),
}

/// Where an ordinary answer leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead<'a> {
    /// To an address, for so many seconds.
    Address(IpAddr, u32),
    /// To another name.
    Name(Name<'a>),
}

/// What an answer section yielded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnswerSection {
    /// The records read, in order, at most [`ANSWERS_MAX`]. A service binding (RFC 9460) gives one for each address it
    /// hints at and for the name it leads to.
    pub answers: Vec<Answer>,
    /// Records the header announces beyond that, and hints.
    pub beyond: u64,
    /// Why reading stopped before all announced records (up to the limit) were read.
    pub broken: Option<BadMessage>,
}

/// Reads header and first question.
///
/// # Errors
/// [`BadMessage`] where no question can be read, or the message is of another kind.
pub fn read(octets: &[u8]) -> Result<Message<'_>, BadMessage> {
    let (header, _) = octets.split_first_chunk::<HEADER_OCTETS>().ok_or(BadMessage::CutShort)?;
    let [id_high, id_low, flags, codes, qd_high, qd_low, an_high, an_low, ..] = *header;
    if (flags >> 3) & 0x0f != 0 {
        return Err(BadMessage::OtherOpcode);
    }
    let questions = u16::from_be_bytes([qd_high, qd_low]);
    if questions == 0 {
        return Err(BadMessage::NoQuestion);
    }
    let mut rest = Reader::at(octets, HEADER_OCTETS);
    let qname = rest.question()?;
    let qtype = rest.u16()?;
    let _class = rest.u16()?;
    Ok(Message {
        id: u16::from_be_bytes([id_high, id_low]),
        response: flags & 0x80 != 0,
        recursion_desired: flags & 0x01 != 0,
        rcode: codes & 0x0f,
        qtype,
        qname,
        questions,
        answers: u16::from_be_bytes([an_high, an_low]),
        rest,
    })
}

impl Message<'_> {
    /// The name of the first question.
    pub fn qname(&self) -> Name<'_> {
        match &self.qname {
            Asked::There(name) => *name,
            Asked::Copied(name) => name.as_name(),
        }
    }

    /// Reads the answer section as far as it goes.
    pub fn answer_section(&self) -> AnswerSection {
        self.answers_to(&self.qname().to_owned())
    }

    /// Reads the answer section as far as it goes, where the question's name is at hand: answers to it share it.
    pub fn answers_to(&self, qname: &DomainName) -> AnswerSection {
        let mut section = AnswerSection {
            beyond: u64::from(self.answers).saturating_sub(ANSWERS_MAX as u64),
            ..AnswerSection::default()
        };
        section.broken = self.read_answers(&mut section, qname).err();
        section
    }

    /// A number for what the message says: its code, and of as many answers as are read type and data as they stand there,
    /// in whatever order and however long they live. `hash` gives one for a record.
    pub(crate) fn digest(&self, hash: impl Fn((u16, &[u8])) -> u64) -> u64 {
        let mut rest = self.rest.clone();
        let mut sum = u64::from(self.rcode);
        if rest.skip_questions(self.questions).is_err() {
            return sum;
        }
        for _ in 0..usize::from(self.answers).min(ANSWERS_MAX) {
            let Some((rtype, data)) = rest.raw_record().ok() else { break };
            sum = sum.wrapping_add(hash((rtype, data)));
        }
        sum
    }

    /// Tells where the answers lead, for as long as `lead` wants more, without copying any. False where it did not, and
    /// where the section is not ordinary: broken, or longer than what is read of it. Then [`Message::answers_to`] has the
    /// word.
    pub fn ordinary_answers(&self, mut lead: impl FnMut(Lead<'_>) -> bool) -> bool {
        usize::from(self.answers) <= ANSWERS_MAX && self.lead(&mut lead).unwrap_or(false)
    }

    fn lead(&self, lead: &mut impl FnMut(Lead<'_>) -> bool) -> Result<bool, BadMessage> {
        let mut rest = self.rest.clone();
        if self.questions != 1 {
            return Ok(false);
        }
        let mut name = NameBuf::new();
        let mut told = 0;
        for _ in 0..self.answers {
            if !rest.skip_pointer_to_question() {
                rest.name(&mut name)?;
            }
            told += 1;
            let RecordHead { rtype, class, ttl_s, length } = rest.record_head()?;
            let goes_on = match (rtype, class) {
                (dns::SVCB | dns::HTTPS, CLASS_IN) => {
                    let data = rest.skip(length)?;
                    let service = rest.service(data, &mut name);
                    told += service.records().saturating_sub(1);
                    service.is_ordinary() && told <= ANSWERS_MAX && service.lead(name.as_name(), ttl_s, lead)
                }
                (dns::CNAME, _) => {
                    rest.alias(length, &mut name)?;
                    lead(Lead::Name(name.as_name()))
                }
                _ => {
                    let data = rest.skip(length)?;
                    address(rtype, class, data).is_none_or(|address| lead(Lead::Address(address, ttl_s)))
                }
            };
            if !goes_on || told > ANSWERS_MAX {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read_answers(&self, section: &mut AnswerSection, qname: &DomainName) -> Result<(), BadMessage> {
        if self.answers == 0 {
            return Ok(());
        }
        let mut rest = self.rest.clone();
        rest.skip_questions(self.questions)?;
        // No record is shorter than a root owner and its fixed fields: what cannot be there needs no room.
        let announced = usize::from(self.answers).min(ANSWERS_MAX);
        section.answers.reserve(announced.min(rest.left() / RECORD_MIN_OCTETS));
        let mut name = NameBuf::new();
        for _ in 0..announced {
            // Nearly every answer's owner is a pointer to the question, which is read already.
            let owner = if rest.skip_pointer_to_question() {
                qname.clone()
            } else {
                rest.name(&mut name)?;
                section.name_before(name.as_name()).unwrap_or_else(|| name.as_name().to_owned())
            };
            let RecordHead { rtype, class, ttl_s, length } = rest.record_head()?;
            if class == CLASS_IN && matches!(rtype, dns::SVCB | dns::HTTPS) {
                let data = rest.skip(length)?;
                let service = rest.service(data, &mut name);
                service.tell(name.as_name(), owner, rtype, ttl_s, section);
            } else {
                let data = rest.data(rtype, class, length, &mut name)?;
                section.push(Answer { name: owner, rtype, ttl_s, data });
            }
        }
        Ok(())
    }
}

impl AnswerSection {
    /// A name that the last record holds already: most chains go on where the record before led, or stay at its owner.
    fn name_before(&self, name: Name<'_>) -> Option<DomainName> {
        let Answer { name: owner, data, .. } = self.answers.last()?;
        let target = match data {
            AnswerData::Name(target) => Some(target),
            AnswerData::Address(_) | AnswerData::Other => None,
        };
        target.into_iter().chain([owner]).find(|known| known.as_name() == name).cloned()
    }

    fn push(&mut self, answer: Answer) {
        if self.answers.len() < ANSWERS_MAX {
            self.answers.push(answer);
        } else {
            self.beyond += 1;
        }
    }
}

/// A record's fixed fields (RFC 1035 section 4.1.3).
struct RecordHead {
    rtype: u16,
    class: u16,
    ttl_s: u32,
    /// Octets of its data.
    length: usize,
}

/// The address in a record's data. One of an odd length, or of another class than IN, is like any type we do not read.
fn address(rtype: u16, class: u16, data: &[u8]) -> Option<IpAddr> {
    match (rtype, class) {
        (dns::A, CLASS_IN) => <[u8; 4]>::try_from(data).ok().map(IpAddr::from),
        (dns::AAAA, CLASS_IN) => <[u8; 16]>::try_from(data).ok().map(IpAddr::from),
        _ => None,
    }
}

/// A place in a message, and how many more pointers may be followed in it.
#[derive(Debug, Clone)]
struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
    hops_left: usize,
    /// Octets of names that may still be read.
    name_octets_left: usize,
}

impl<'a> Reader<'a> {
    fn at(octets: &'a [u8], at: usize) -> Reader<'a> {
        Reader { octets, at, hops_left: POINTER_HOPS_MESSAGE_MAX, name_octets_left: NAME_OCTETS_MESSAGE_MAX }
    }

    fn left(&self) -> usize {
        self.octets.len().saturating_sub(self.at)
    }

    /// Skips a pointer to the octet behind the header; false where something else stands here.
    fn skip_pointer_to_question(&mut self) -> bool {
        let is_one = self.octets.get(self.at..self.at + 2) == Some(&[0xc0, HEADER_OCTETS as u8]);
        if is_one {
            self.at += 2;
        }
        is_one
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], BadMessage> {
        let rest = self.octets.get(self.at..).ok_or(BadMessage::CutShort)?;
        let (taken, _) = rest.split_first_chunk::<N>().ok_or(BadMessage::CutShort)?;
        self.at += N;
        Ok(*taken)
    }

    fn u16(&mut self) -> Result<u16, BadMessage> {
        self.take().map(u16::from_be_bytes)
    }

    fn skip(&mut self, octets: usize) -> Result<&'a [u8], BadMessage> {
        let end = self.at.saturating_add(octets);
        let skipped = self.octets.get(self.at..end).ok_or(BadMessage::CutShort)?;
        self.at = end;
        Ok(skipped)
    }

    /// Reads the name of the first question.
    fn question(&mut self) -> Result<Asked<'a>, BadMessage> {
        let there = self.octets.get(self.at..).and_then(Name::at_start_of);
        let Some(name) = there.filter(|name| name.octets().len() <= self.name_octets_left) else {
            let mut name = Box::new(NameBuf::new());
            self.name(&mut name)?;
            return Ok(Asked::Copied(name));
        };
        let octets = name.octets().len();
        self.name_octets_left -= octets;
        self.at += octets + 1;
        Ok(Asked::There(name))
    }

    /// Reads a name, following pointers. Each must lead to before the run of labels that it ends, so every hop goes
    /// strictly backwards and no name can loop.
    fn name(&mut self, name: &mut NameBuf) -> Result<(), BadMessage> {
        name.clear();
        let (mut at, mut run_start) = (self.at, self.at);
        let mut after = None;
        let mut hops = 0;
        loop {
            let &first = self.octets.get(at).ok_or(BadMessage::CutShort)?;
            match (first >> 6, usize::from(first)) {
                (0b00, 0) => {
                    self.take_run(run_start..at, name)?;
                    self.at = after.unwrap_or(at + 1);
                    return Ok(());
                }
                // Whether the label is there shows at the next octet, or at the end of the run.
                (0b00, length) => {
                    at += 1 + length;
                    if at - run_start > NAME_MAX_OCTETS {
                        return Err(BadMessage::NameTooLong);
                    }
                }
                (0b11, _) => {
                    self.take_run(run_start..at, name)?;
                    let &second = self.octets.get(at + 1).ok_or(BadMessage::CutShort)?;
                    let target = usize::from(u16::from_be_bytes([first & 0x3f, second]));
                    if target >= run_start {
                        return Err(BadMessage::PointerNotBackwards);
                    }
                    hops += 1;
                    self.hops_left = self.hops_left.checked_sub(1).ok_or(BadMessage::TooManyPointers)?;
                    if hops > POINTER_HOPS_MAX {
                        return Err(BadMessage::TooManyPointers);
                    }
                    after = after.or(Some(at + 2));
                    (at, run_start) = (target, target);
                }
                _ => return Err(BadMessage::LabelType),
            }
        }
    }

    /// Adds the labels that stand in one piece.
    fn take_run(&mut self, run: Range<usize>, name: &mut NameBuf) -> Result<(), BadMessage> {
        let labels = self.octets.get(run).ok_or(BadMessage::CutShort)?;
        self.name_octets_left = self.name_octets_left.checked_sub(labels.len()).ok_or(BadMessage::NamesTooLong)?;
        name.push_wire(labels).map_err(|_| BadMessage::NameTooLong)
    }

    /// Skips the questions behind the first, of so many.
    fn skip_questions(&mut self, questions: u16) -> Result<(), BadMessage> {
        for _ in 1..questions {
            self.skip_name()?;
            self.skip(4)?;
        }
        Ok(())
    }

    fn skip_name(&mut self) -> Result<(), BadMessage> {
        loop {
            let [first] = self.take()?;
            match (first >> 6, usize::from(first)) {
                (0b00, 0) => return Ok(()),
                (0b00, length) => {
                    self.skip(length)?;
                }
                (0b11, _) => {
                    self.skip(1)?;
                    return Ok(());
                }
                _ => return Err(BadMessage::LabelType),
            }
        }
    }

    /// Reads the data of a service binding; `name` holds its target then. In alias mode (priority 0) parameters mean
    /// nothing, and the root as a target says that there is no service; in service mode it stands for the owner.
    fn service(&self, data: &'a [u8], name: &mut NameBuf) -> Service<'a> {
        let Some((&[priority_high, priority_low], after)) = data.split_first_chunk::<2>() else {
            return Service::default();
        };
        // The target is never compressed (RFC 9460 section 2.2), so it is read from the data alone.
        let mut rest = Reader { octets: after, at: 0, hops_left: 0, name_octets_left: self.name_octets_left };
        if rest.name(name).is_err() {
            return Service::default();
        }
        let mut service = Service { has_target: !name.as_name().is_root(), ..Service::default() };
        while (priority_high, priority_low) != (0, 0) && rest.left() > 0 {
            let (Ok(key), Ok(length)) = (rest.u16(), rest.u16()) else { break };
            let Ok(value) = rest.skip(length.into()) else { break };
            match key {
                IPV4_HINT => service.ipv4_hints = value,
                IPV6_HINT => service.ipv6_hints = value,
                _ => {}
            }
        }
        service
    }

    /// Type and data of a record, unread.
    fn raw_record(&mut self) -> Result<(u16, &'a [u8]), BadMessage> {
        if !self.skip_pointer_to_question() {
            self.skip_name()?;
        }
        let RecordHead { rtype, length, .. } = self.record_head()?;
        Ok((rtype, self.skip(length)?))
    }

    fn record_head(&mut self) -> Result<RecordHead, BadMessage> {
        let [t0, t1, c0, c1, s0, s1, s2, s3, l0, l1] = self.take()?;
        Ok(RecordHead {
            rtype: u16::from_be_bytes([t0, t1]),
            class: u16::from_be_bytes([c0, c1]),
            ttl_s: u32::from_be_bytes([s0, s1, s2, s3]),
            length: usize::from(u16::from_be_bytes([l0, l1])),
        })
    }

    /// Reads the name that is all of a record's data.
    fn alias(&mut self, length: usize, name: &mut NameBuf) -> Result<(), BadMessage> {
        let end = self.at.saturating_add(length);
        self.name(name)?;
        if self.at == end { Ok(()) } else { Err(BadMessage::DataLength) }
    }

    /// Reads the data of a record; `name` is room to work in.
    fn data(&mut self, rtype: u16, class: u16, length: usize, name: &mut NameBuf) -> Result<AnswerData, BadMessage> {
        if rtype == dns::CNAME {
            self.alias(length, name)?;
            return Ok(AnswerData::Name(name.as_name().to_owned()));
        }
        let data = self.skip(length)?;
        Ok(address(rtype, class, data).map_or(AnswerData::Other, AnswerData::Address))
    }
}

#[cfg(test)]
mod tests {
    use super::sample::{labels, query, response};
    use super::*;
    use crate::limits::SERVICE_HINTS_MAX;
    use proptest::prelude::*;
    use std::net::IpAddr;

    fn header(questions: u16, answers: u16) -> Vec<u8> {
        let mut octets = vec![0x12, 0x34, 0x81, 0x83];
        octets.extend(questions.to_be_bytes());
        octets.extend(answers.to_be_bytes());
        octets.extend([0; 4]);
        octets
    }

    /// A message whose question's name is `name`, as it stands.
    fn asking(name: &[u8]) -> Vec<u8> {
        let mut octets = header(1, 0);
        octets.extend(name);
        octets.extend([0, 1, 0, 1]);
        octets
    }

    fn refusal(octets: &[u8]) -> Option<BadMessage> {
        read(octets).err()
    }

    #[test]
    fn a_query_is_its_header_and_first_question_in_lower_case() {
        let octets = query(0xbeef, "WwW.ExAmple.NO", 28);
        let message = read(&octets).unwrap();
        assert_eq!((message.id, message.response, message.recursion_desired), (0xbeef, false, true));
        assert_eq!((message.qname().to_string().as_str(), message.qtype, message.rcode), ("www.example.no", 28, 0));
        assert_eq!(message.answer_section(), AnswerSection::default());
        let octets = query(1, "", 2);
        assert!(read(&octets).unwrap().qname().is_root());
    }

    #[test]
    fn answers_are_addresses_names_or_other() {
        let mut target = labels("cdn");
        target.pop();
        target.extend([0xc0, 12]);
        let v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        let octets = response(
            7,
            "Evil.no",
            1,
            0,
            &[
                (5, 1, &target),
                (1, 1, &[192, 0, 2, 1]),
                (28, 1, &v6),
                (1, 3, &[192, 0, 2, 2]),
                (1, 1, &[1, 2, 3]),
                (65, 1, &[0, 1, 0]),
                (1, 1, &[192, 0, 2, 3]),
            ],
        );
        let section = read(&octets).unwrap().answer_section();
        assert_eq!((section.beyond, section.broken), (0, None));
        let data: Vec<String> = section.answers.iter().map(|answer| shown(&answer.data)).collect();
        assert_eq!(data, ["cdn.evil.no", "192.0.2.1", "2001:db8::1", "other", "other", "other", "192.0.2.3"]);
        assert!(section.answers.iter().all(|answer| answer.name.to_string() == "evil.no" && answer.ttl_s == 300));
    }

    #[test]
    fn s4_behind_further_questions_other_answers_are_another_response() {
        let with = |last: u8| {
            let mut octets = response(7, "evil.no", 1, 0, &[(1, 1, &[192, 0, 2, last])]);
            octets[5] = 3;
            let end = HEADER_OCTETS + labels("evil.no").len() + 4;
            // One by a pointer, one spelled out.
            let further = [&[0xc0, 12, 0, 1, 0, 1][..], &labels("www.other.no"), &[0, 28, 0, 1]].concat();
            octets.splice(end..end, further);
            octets
        };
        let digest = |octets: &[u8]| {
            read(octets).unwrap().digest(|(rtype, data)| {
                let octets = data.iter().map(|octet| u64::from(*octet));
                octets.fold(u64::from(rtype), |sum, octet| sum * 257 + octet)
            })
        };
        assert_eq!(read(&with(1)).unwrap().answer_section().answers.len(), 1);
        assert_eq!(digest(&with(1)), digest(&with(1)));
        assert_ne!(digest(&with(1)), digest(&with(2)));
    }

    #[test]
    fn s1_refusals_say_what_is_wrong() {
        let name_of =
            |last: usize| -> Vec<u8> { labels(&[63, 63, 63, last].map(|length| "a".repeat(length)).join(".")) };
        let mut label_64 = vec![64];
        label_64.extend([b'a'; 64]);
        label_64.push(0);
        let mut staircase = Vec::new(); // 200 pointers, each to the one before it, the name last
        staircase.push(0);
        let mut at = 12u16;
        for _ in 0..200 {
            staircase.extend((0xc000 | at).to_be_bytes());
            at = 12 + staircase.len() as u16 - 2;
        }
        let mut stairs = header(1, 0);
        stairs.extend(&staircase);
        let mut notify = query(1, "example.no", 6);
        notify[2] = 0x20;
        let mut update = query(1, "example.no", 6);
        update[2] = 0x28;
        for (what, octets, expected) in [
            ("nothing", vec![], Some(BadMessage::CutShort)),
            ("11 octets", vec![0; 11], Some(BadMessage::CutShort)),
            ("no question", header(0, 0), Some(BadMessage::NoQuestion)),
            ("no question but answers", header(0, 2), Some(BadMessage::NoQuestion)),
            ("question missing", header(1, 0), Some(BadMessage::CutShort)),
            ("NOTIFY", notify, Some(BadMessage::OtherOpcode)),
            ("UPDATE", update, Some(BadMessage::OtherOpcode)),
            ("self pointer", asking(&[0xc0, 12]), Some(BadMessage::PointerNotBackwards)),
            ("forward pointer", asking(&[0xc0, 20]), Some(BadMessage::PointerNotBackwards)),
            ("pointer to its own label", asking(&[1, b'a', 0xc0, 12]), Some(BadMessage::PointerNotBackwards)),
            (
                "pointer cut in two",
                {
                    let mut o = header(1, 0);
                    o.push(0xc0);
                    o
                },
                Some(BadMessage::CutShort),
            ),
            ("label type 0x40", asking(&[0x41, 1]), Some(BadMessage::LabelType)),
            ("label type 0x80", asking(&[0x80, 0]), Some(BadMessage::LabelType)),
            ("label of 64", asking(&label_64), Some(BadMessage::LabelType)),
            ("255 octets", asking(&name_of(61)), None),
            ("256 octets", asking(&name_of(62)), Some(BadMessage::NameTooLong)),
            ("127 labels", asking(&labels(&["a"; 127].join("."))), None),
            ("128 labels", asking(&labels(&["a"; 128].join("."))), Some(BadMessage::NameTooLong)),
            (
                "name cut short",
                {
                    let mut o = header(1, 0);
                    o.extend([5, b'a']);
                    o
                },
                Some(BadMessage::CutShort),
            ),
            (
                "class missing",
                {
                    let mut o = asking(&[0]);
                    o.pop();
                    o
                },
                Some(BadMessage::CutShort),
            ),
        ] {
            assert_eq!(refusal(&octets), expected, "{what}");
        }
        let mut ladder = Reader::at(&stairs, stairs.len() - 2);
        assert_eq!(ladder.name(&mut NameBuf::new()), Err(BadMessage::TooManyPointers), "200 pointers for one name");
        let mut legal = Reader::at(&stairs, 13 + 2 * 127);
        assert_eq!(legal.name(&mut NameBuf::new()), Ok(()), "128 pointers");
    }

    #[test]
    fn pointers_are_counted_over_the_whole_message() {
        // Sixty-three owners, each through 61 pointers: within the budget of a name, together beyond the message's.
        let mut octets = header(1, 64);
        octets.extend(labels("a"));
        octets.extend([0, 1, 0, 1]);
        let mut at = 12u16;
        octets.extend([0, 0, 16, 0, 1, 0, 0, 0, 0]); // root TXT, its data the staircase
        octets.extend(120u16.to_be_bytes());
        for _ in 0..60 {
            octets.extend((0xc000 | at).to_be_bytes());
            at = octets.len() as u16 - 2;
        }
        for _ in 0..63 {
            octets.extend((0xc000 | at).to_be_bytes());
            octets.extend([0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
        }
        let message = read(&octets).unwrap();
        assert_eq!(message.qname().to_string(), "a");
        let section = message.answer_section();
        assert_eq!(section.answers.len(), 1 + POINTER_HOPS_MESSAGE_MAX / 61);
        assert_eq!(section.broken, Some(BadMessage::TooManyPointers));
    }

    #[test]
    fn an_answer_bomb_cannot_hide_the_query() {
        let whole = response(7, "evil.no", 1, 0, &[(1, 1, &[192, 0, 2, 1]), (1, 1, &[192, 0, 2, 2])]);
        for length in query(7, "evil.no", 1).len()..=whole.len() {
            let message = read(&whole[..length]).unwrap();
            assert_eq!((message.qname().to_string().as_str(), message.rcode), ("evil.no", 0));
            let section = message.answer_section();
            let full = (length - query(7, "evil.no", 1).len()) / 16;
            assert_eq!(section.answers.len(), full, "cut at {length}");
            assert_eq!(section.broken.is_some(), full < 2);
        }
        let loops =
            response(7, "evil.no", 5, 3, &[(1, 1, &[192, 0, 2, 1]), (5, 1, &[0xc0, 0xff]), (1, 1, &[1, 1, 1, 1])]);
        let section = read(&loops).unwrap().answer_section();
        assert_eq!((section.answers.len(), section.broken), (1, Some(BadMessage::PointerNotBackwards)));
        let long = response(7, "evil.no", 5, 0, &[(5, 1, &[0, 0])]);
        assert_eq!(read(&long).unwrap().answer_section().broken, Some(BadMessage::DataLength));
        let many: Vec<(u16, u16, &[u8])> = (0..1000).map(|_| (1, 1, &[192, 0, 2, 1][..])).collect();
        let section = read(&response(7, "evil.no", 1, 0, &many)).unwrap().answer_section();
        assert_eq!((section.answers.len(), section.beyond, section.broken), (ANSWERS_MAX, 1000 - 64, None));
    }

    /// The data of a service binding.
    fn service(priority: u16, target: &str, parameters: &[(u16, &[u8])]) -> Vec<u8> {
        let mut data = priority.to_be_bytes().to_vec();
        data.extend(labels(target));
        for (key, value) in parameters {
            data.extend([key.to_be_bytes(), (value.len() as u16).to_be_bytes()].concat());
            data.extend(*value);
        }
        data
    }

    fn shown(data: &AnswerData) -> String {
        match data {
            AnswerData::Address(address) => address.to_string(),
            AnswerData::Name(name) => name.to_string(),
            AnswerData::Other => "other".to_owned(),
        }
    }

    #[test]
    fn service_bindings_give_their_target_and_their_hints() {
        let v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        let alpn: (u16, &[u8]) = (1, b"\x02h2");
        let two = [192, 0, 2, 1, 192, 0, 2, 2];
        let many = [9u8; 4 * 20];
        let with_v6 = (6, &v6[..]);
        for (what, data, expected, beyond) in [
            ("alias", service(0, "Cdn.Evil.no", &[]), vec!["cdn.evil.no"], 0),
            ("alias, parameters mean nothing", service(0, "cdn.no", &[(4, &two)]), vec!["cdn.no"], 0),
            ("no service", service(0, "", &[]), vec!["other"], 0),
            ("the owner itself", service(1, "", &[alpn]), vec!["other"], 0),
            (
                "hints",
                service(1, "", &[alpn, (4, &two), (5, b"ech"), with_v6]),
                vec!["192.0.2.1", "192.0.2.2", "2001:db8::1"],
                0,
            ),
            ("another target", service(1, "svc.no", &[(4, &two[..4])]), vec!["svc.no", "192.0.2.1"], 0),
            ("a hint of an odd length", service(1, "", &[(4, &two[..7])]), vec!["192.0.2.1"], 0),
            (
                "too many hints",
                service(1, "", &[(4, &many), with_v6]),
                [vec!["9.9.9.9"; SERVICE_HINTS_MAX], vec!["2001:db8::1"]].concat(),
                12,
            ),
            (
                "a parameter beyond the end",
                [service(1, "", &[(4, &two[..4])]), vec![0, 6, 0, 99, 1]].concat(),
                vec!["192.0.2.1"],
                0,
            ),
            ("no target", vec![0, 1], vec!["other"], 0),
            ("a compressed target", vec![0, 0, 0xc0, 12], vec!["other"], 0),
            ("nothing", vec![], vec!["other"], 0),
        ] {
            for rtype in [64, 65] {
                let octets = response(7, "evil.no", rtype, 0, &[(rtype, 1, &data), (1, 1, &[192, 0, 2, 99])]);
                let section = read(&octets).unwrap().answer_section();
                let mut told: Vec<String> = section.answers.iter().map(|answer| shown(&answer.data)).collect();
                assert_eq!(told.pop().as_deref(), Some("192.0.2.99"), "{what}: what follows is read");
                assert_eq!(
                    (told, section.beyond, section.broken),
                    (expected.iter().map(|&data| data.to_owned()).collect(), beyond, None),
                    "{what}"
                );
                assert!(
                    section.answers.iter().rev().skip(1).all(|answer| answer.rtype == rtype && answer.ttl_s == 300)
                );
            }
        }
        let data = service(1, "", &[(4, &two)]);
        let twice = response(7, "evil.no", 65, 0, &[(65, 1, &data), (65, 1, &service(2, "", &[]))]);
        assert_eq!(read(&twice).unwrap().answer_section().answers.len(), 3);
        let filled: Vec<(u16, u16, &[u8])> = vec![(65, 1, &data); 40];
        let section = read(&response(7, "evil.no", 65, 0, &filled)).unwrap().answer_section();
        assert_eq!((section.answers.len(), section.beyond), (ANSWERS_MAX, 80 - ANSWERS_MAX as u64));
    }

    #[test]
    fn names_are_counted_over_the_whole_message_but_for_the_question_s_own() {
        let long = ["a"; 100].join(".");
        let other = labels(&["b"; 100].join("."));
        let mut octets = response(7, &long, 1, 0, &[(1, 1, &[192, 0, 2, 1][..]); 40]);
        assert_eq!(read(&octets).unwrap().answer_section().answers.len(), 40, "pointers to the question");
        octets = query(7, &long, 1);
        octets[2] |= 0x80;
        octets[7] = 40;
        for _ in 0..40 {
            octets.extend(&other);
            octets.extend([0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
        }
        let message = read(&octets).unwrap();
        assert_eq!(message.qname().label_count(), 100);
        let section = message.answer_section();
        assert_eq!(section.broken, Some(BadMessage::NamesTooLong));
        assert_eq!(section.answers.len(), NAME_OCTETS_MESSAGE_MAX / 200 - 1);
    }

    #[test]
    fn of_several_questions_the_first_counts_and_answers_are_found_behind_them() {
        let mut octets = header(2, 1);
        octets.extend(labels("first.no"));
        octets.extend([0, 1, 0, 1]);
        octets.extend(labels("second.no"));
        octets.extend([0, 28, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
        let message = read(&octets).unwrap();
        assert_eq!((message.qname().to_string().as_str(), message.qtype), ("first.no", 1));
        let section = message.answer_section();
        let address: IpAddr = [192, 0, 2, 1].into();
        assert_eq!(section.answers.first().map(|answer| &answer.data), Some(&AnswerData::Address(address)));
        let mut announced = asking(&labels("first.no"));
        announced[4..6].copy_from_slice(&u16::MAX.to_be_bytes());
        announced[7] = 1;
        let message = read(&announced).unwrap();
        assert_eq!(
            message.answer_section().broken,
            Some(BadMessage::CutShort),
            "65,535 questions announced, one there"
        );
    }

    #[test]
    fn reasons_are_counted_apart() {
        let mut refused = RefusedMessages::default();
        for reason in BadMessage::ALL {
            refused.count(reason);
        }
        refused.count(BadMessage::NoQuestion);
        assert_eq!((refused.of(BadMessage::NoQuestion), refused.total()), (2, 10));
        assert!(refused.iter().all(|(reason, count)| count >= 1 && !reason.key().is_empty()));
    }

    type Records = Vec<(String, u16, u32)>;

    /// The same message as NLnet Labs' reader sees it: question, and owner, type and TTL of the answers it can read.
    fn as_domain_reads(octets: &[u8]) -> Option<(String, u16, Records)> {
        fn shown<N: domain::base::ToName>(name: &N) -> String {
            let mut shown = NameBuf::new();
            for label in name.iter_labels().filter(|label| !label.is_root()) {
                shown.push_label(label.as_slice()).unwrap();
            }
            shown.as_name().to_string()
        }
        let message = domain::base::Message::from_octets(octets).ok()?;
        let question = message.first_question()?;
        let answers = message.answer().into_iter().flatten().map_while(Result::ok);
        let records = answers.map(|record| (shown(&record.owner()), record.rtype().to_int(), record.ttl().as_secs()));
        Some((shown(question.qname()), question.qtype().to_int(), records.collect()))
    }

    proptest! {
        #[test]
        fn s1_agrees_with_an_independent_reader(
            answers in 0u8..6,
            names in prop::collection::vec(prop_oneof![Just(0xc0u8), Just(12), Just(29), Just(0), Just(1), 0u8..70], 0..300),
            whole in any::<bool>(),
        ) {
            let mut octets = header(1, answers.into());
            octets.extend(labels("Www.Evil.NO"));
            octets.extend([0, 1, 0, 1]);
            for owner in names.chunks(3).filter(|_| whole) {
                octets.extend([1, b'A']);
                octets.extend([[0xc0, 12], [0xc0, 16], [0xc0, 21], [0, 0]][usize::from(owner[0]) % 4]);
                octets.truncate(octets.len() - usize::from(octets.ends_with(&[0, 0])));
                octets.extend([0, owner[0], 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
            }
            octets.extend(&names);
            let message = read(&octets).unwrap();
            let (qname, qtype, theirs) = as_domain_reads(&octets).unwrap();
            prop_assert_eq!((message.qname().to_string(), message.qtype), (qname, qtype));
            let section = message.answer_section();
            let ours: Records = section.answers.iter().map(|a| (a.name.to_string(), a.rtype, a.ttl_s)).collect();
            let both = ours.len().min(theirs.len());
            prop_assert_eq!(&ours[..both], &theirs[..both]);
            // Theirs does not look into a CNAME's data here, and lets a pointer lead into the run of labels it ends.
            let is_stricter = section.broken == Some(BadMessage::PointerNotBackwards)
                || section.broken.is_some() && theirs.get(ours.len()).is_some_and(|next| next.1 == 5);
            prop_assert!(ours.len() == theirs.len() || is_stricter, "{:?} {} {}", section.broken, ours.len(), theirs.len());
        }

        #[test]
        fn what_is_told_without_copies_is_what_the_section_holds(
            records in prop::collection::vec((0usize..9, 0u16..2, 0usize..12), 0..8),
            odd in prop::option::of((0usize..400, any::<u8>())),
        ) {
            let hints = [7u8; 16 * 12];
            let data: Vec<(u16, Vec<u8>)> = records.iter().map(|&(kind, priority, count)| match kind {
                0 | 1 => (1, vec![192, 0, 2, count as u8]),
                2 => (28, hints[..16].to_vec()),
                3 => (5, labels("Target.Evil.no")),
                4 => (65, service(priority, "svc.no", &[(4, &hints[..4 * count])])),
                5 => (64, service(priority, "", &[(6, &hints[..16 * count]), (4, &hints[..4])])),
                6 => (65, service(priority, "", &[])),
                7 => (65, hints[..count].to_vec()),
                _ => (16, hints[..count].to_vec()),
            }).collect();
            let records: Vec<(u16, u16, &[u8])> = data.iter().map(|(rtype, data)| (*rtype, 1, &data[..])).collect();
            let mut octets = response(7, "www.evil.no", 1, 0, &records);
            if let Some((at, octet)) = odd && let Some(place) = octets.get_mut(40 + at) {
                *place = octet;
            }
            let Ok(message) = read(&octets) else { return Ok(()) };
            let mut told = Vec::new();
            let is_ordinary = message.ordinary_answers(|lead| {
                told.push(match lead {
                    Lead::Address(address, ttl_s) => (Some(ttl_s), address.to_string()),
                    Lead::Name(name) => (None, name.to_string()),
                });
                true
            });
            let section = message.answer_section();
            if odd.is_none() {
                prop_assert_eq!(is_ordinary, section.beyond == 0, "whatever is whole and read to its end is ordinary");
            }
            if is_ordinary {
                prop_assert_eq!((section.beyond, section.broken), (0, None));
                let held: Vec<(Option<u32>, String)> = section.answers.iter().filter_map(|answer| match &answer.data {
                    AnswerData::Address(address) => Some((Some(answer.ttl_s), address.to_string())),
                    AnswerData::Name(name) => Some((None, name.to_string())),
                    AnswerData::Other => None,
                }).collect();
                prop_assert_eq!(told, held);
            }
        }

        #[test]
        fn s1_hostile_bytes_never_panic_and_stay_within_the_limits(octets in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(message) = read(&octets) {
                prop_assert!(message.qname().octets().len() <= 254);
                prop_assert!(message.answer_section().answers.len() <= ANSWERS_MAX);
            }
        }

        #[test]
        fn s1_hostile_tails_never_hide_the_question(
            counts in prop::array::uniform4(any::<u16>()),
            tail in prop::collection::vec(prop_oneof![Just(0xc0u8), Just(12), Just(0), Just(5), Just(1), any::<u8>()], 0..2000),
        ) {
            let mut octets = query(7, "evil.no", 1);
            octets[2] |= 0x80;
            for (place, count) in counts.iter().enumerate() {
                octets[4 + 2 * place..6 + 2 * place].copy_from_slice(&count.to_be_bytes());
            }
            octets[5] |= 1;
            octets.extend(tail);
            let message = read(&octets).unwrap();
            prop_assert_eq!(message.qname().to_string(), "evil.no");
            let section = message.answer_section();
            prop_assert!(section.answers.len() <= ANSWERS_MAX);
            // A service binding may give several.
            prop_assert!(section.broken.is_some() || section.answers.len() >= ANSWERS_MAX.min(counts[1].into()));
        }
    }
}

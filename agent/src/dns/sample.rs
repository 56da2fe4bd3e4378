//! Messages for tests.

/// A name as wire labels; `text` without its final dot.
pub(crate) fn labels(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        octets.push(label.len() as u8);
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets
}

/// Header and one question of class IN.
pub(crate) fn query(id: u16, qname: &str, qtype: u16) -> Vec<u8> {
    let mut octets = id.to_be_bytes().to_vec();
    octets.extend([0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]);
    octets.extend(labels(qname));
    octets.extend(qtype.to_be_bytes());
    octets.extend([0, 1]);
    octets
}

/// A response to that with records (type, class, data), all owned by the question's name.
pub(crate) fn response(id: u16, qname: &str, qtype: u16, rcode: u8, records: &[(u16, u16, &[u8])]) -> Vec<u8> {
    let mut octets = query(id, qname, qtype);
    octets[2] |= 0x80;
    octets[3] |= 0x80 | rcode;
    octets[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
    for (rtype, class, data) in records {
        octets.extend([0xc0, 12]);
        octets.extend(rtype.to_be_bytes());
        octets.extend(class.to_be_bytes());
        octets.extend(300u32.to_be_bytes());
        octets.extend((data.len() as u16).to_be_bytes());
        octets.extend(*data);
    }
    octets
}

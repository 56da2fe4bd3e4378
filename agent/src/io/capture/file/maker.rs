//! Capture files made octet by octet, in either byte order, for tests.

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// Builds capture files in either byte order.
#[derive(Clone)]
pub(in crate::io::capture) struct FileMaker {
    pub(in crate::io::capture) octets: Vec<u8>,
    big: bool,
    extra: usize,
}

impl FileMaker {
    pub(in crate::io::capture) fn pcap() -> FileMaker {
        FileMaker::pcap_of(0xa1b2_c3d4, false, 1)
    }

    pub(super) fn pcap_of(magic: u32, big: bool, link: u32) -> FileMaker {
        let extra = if magic == 0xa1b2_cd34 { 8 } else { 0 };
        let mut maker = FileMaker { octets: Vec::new(), big, extra };
        maker.u32(magic);
        maker.u16(2);
        maker.u16(4);
        maker.u32(0);
        maker.u32(0);
        maker.u32(0xffff_ffff);
        maker.u32(link);
        maker
    }

    pub(in crate::io::capture) fn record(&mut self, seconds: u32, fraction: u32, data: &[u8]) {
        for field in [seconds, fraction, data.len() as u32, data.len() as u32 + 10] {
            self.u32(field);
        }
        self.octets.extend(std::iter::repeat_n(0xee, self.extra));
        self.octets.extend(data);
    }

    pub(super) fn pcapng(big: bool) -> FileMaker {
        let mut maker = FileMaker { octets: Vec::new(), big, extra: 0 };
        maker.section(big);
        maker
    }

    pub(super) fn section(&mut self, big: bool) {
        self.big = big;
        let mut body = FileMaker { octets: Vec::new(), big, extra: 0 };
        body.u32(BYTE_ORDER_MAGIC);
        body.u16(1);
        body.u16(0);
        body.octets.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body.octets);
    }

    pub(super) fn interface(&mut self, link: u16, snap: u32, options: &[(u16, &[u8])]) {
        let mut body = self.empty();
        body.u16(link);
        body.u16(0);
        body.u32(snap);
        for (code, value) in options {
            body.u16(*code);
            body.u16(value.len() as u16);
            body.octets.extend(*value);
            body.pad();
        }
        self.block(1, &body.octets);
    }

    pub(super) fn enhanced(&mut self, interface: u32, ticks: u64, data: &[u8]) {
        let mut body = self.empty();
        for field in [interface, (ticks >> 32) as u32, ticks as u32, data.len() as u32, data.len() as u32 + 10] {
            body.u32(field);
        }
        body.octets.extend(data);
        body.pad();
        self.block(6, &body.octets);
    }

    pub(super) fn obsolete(&mut self, interface: u16, ticks: u64, data: &[u8]) {
        let mut body = self.empty();
        body.u16(interface);
        body.u16(0xffff);
        for field in [(ticks >> 32) as u32, ticks as u32, data.len() as u32, data.len() as u32 + 10] {
            body.u32(field);
        }
        body.octets.extend(data);
        body.pad();
        self.block(2, &body.octets);
    }

    pub(super) fn simple(&mut self, length: u32, data: &[u8]) {
        let mut body = self.empty();
        body.u32(length);
        body.octets.extend(data);
        body.pad();
        self.block(3, &body.octets);
    }

    pub(super) fn block(&mut self, kind: u32, body: &[u8]) {
        self.u32(kind);
        self.u32(body.len() as u32 + 12);
        self.octets.extend(body);
        self.u32(body.len() as u32 + 12);
    }

    pub(super) fn empty(&self) -> FileMaker {
        FileMaker { octets: Vec::new(), big: self.big, extra: 0 }
    }

    pub(super) fn pad(&mut self) {
        self.octets.resize(self.octets.len().next_multiple_of(4), 0);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.octets.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.octets.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
    }
}

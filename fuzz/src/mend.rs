//! Puts the checksums of a data directory right, so that what is wrong in it is looked at at all.
//!
//! Layouts: docs/format/data-directory.md, journal.md and segment.md. Bytes that do not look like a structure stay as
//! they are.

const BLOCK: usize = 4096;
const FRAME_HEADER: usize = 64;
const BATCH_HEADER: usize = 40;
const FOOTER_TRAILER: usize = 16;

/// What the manifest repeats of a segment.
pub struct FooterFacts {
    pub number: u64,
    object_bytes: u64,
    footer_bytes: u32,
    footer_crc: u32,
}

/// One journal after the other, in their order; `previous` is the checksum of the last frame.
pub fn journal(bytes: &mut [u8], previous: &mut u32) {
    let Some((header, frames)) = bytes.split_at_mut_checked(BLOCK) else { return };
    let crc = crc32c(&header[12..]);
    put(header, 8, crc);
    let salt = header[24..32].to_vec();
    let mut at = 0;
    while let Some(rest) = frames.get_mut(at..).filter(|rest| rest.len() >= FRAME_HEADER) {
        let total = FRAME_HEADER.saturating_add(word(rest, 36));
        let Some(frame) = rest.get_mut(..total).filter(|frame| frame.starts_with(b"AFRM")) else {
            at += BLOCK;
            continue;
        };
        frame[16..24].copy_from_slice(&salt);
        // The first frame of a run names none before it.
        if word(frame, 32) != 0 {
            put(frame, 32, *previous);
        }
        batches(&mut frame[FRAME_HEADER..]);
        let crc = crc32c(&frame[12..FRAME_HEADER]);
        put(frame, 8, crc);
        *previous = crc32c(&frame[8..]);
        put(frame, 4, *previous);
        at += total.next_multiple_of(BLOCK);
    }
}

/// A segment whose footer can be found.
pub fn segment(bytes: &mut [u8]) -> Option<FooterFacts> {
    let object_bytes = bytes.len() as u64;
    let footer_bytes = word(bytes.get(bytes.len().checked_sub(12)?..)?, 0);
    let (content, footer) = bytes.split_at_mut_checked(bytes.len().checked_sub(footer_bytes)?)?;
    let body = footer.len().checked_sub(FOOTER_TRAILER)?;
    let number = u64::from_le_bytes(*footer.get(12..)?.first_chunk()?);
    let mut at = 20;
    for _ in 0..2 {
        at += 2 + usize::from(u16::from_le_bytes(*footer.get(at..)?.first_chunk()?));
    }
    for run in footer.get_mut(at + 4..body)?.chunks_exact_mut(64) {
        let long = |field: usize| usize::try_from(u64::from_le_bytes(*run[field * 8..].first_chunk()?)).ok();
        let (offset, len, sparse) = (long(4)?, long(5)?, long(6)?);
        if let Some(run) = content.get_mut(offset..).and_then(|rest| rest.get_mut(..len)) {
            batches(run);
        }
        let index = content.get(sparse..).and_then(|rest| rest.get(..word(run, 56).checked_mul(24)?));
        if let Some(index) = index {
            put(run, 60, crc32c(index));
        }
    }
    let footer_crc = crc32c(&footer[..body]);
    put(footer, body, footer_crc);
    Some(FooterFacts { number, object_bytes, footer_bytes: u32::try_from(footer_bytes).ok()?, footer_crc })
}

/// A manifest, and what it says of segments.
pub fn manifest(bytes: &mut [u8], segments: &[FooterFacts]) {
    if bytes.len() < 16 {
        return;
    }
    // Version 1 lacks a field.
    let logs_at = if word(bytes, 12) == 1 { 52 } else { 56 };
    let logs = bytes.get(logs_at..).and_then(|rest| rest.first_chunk()).map_or(0, |count| u64::from_le_bytes(*count));
    let first = usize::try_from(logs).ok().and_then(|logs| logs.checked_mul(16)?.checked_add(logs_at + 16));
    for entry in first.and_then(|first| bytes.get_mut(first..)).into_iter().flat_map(|rest| rest.chunks_exact_mut(24)) {
        let number = u64::from_le_bytes(*entry.first_chunk().expect("an entry has 24 bytes"));
        if let Some(facts) = segments.iter().find(|facts| facts.number == number) {
            entry[8..16].copy_from_slice(&facts.object_bytes.to_le_bytes());
            put(entry, 16, facts.footer_bytes);
            put(entry, 20, facts.footer_crc);
        }
    }
    let crc = crc32c(&bytes[12..]);
    put(bytes, 8, crc);
}

/// Batches one after the other, as far as they are whole.
fn batches(mut bytes: &mut [u8]) {
    while bytes.len() >= BATCH_HEADER {
        let total = BATCH_HEADER.saturating_add(word(bytes, 4));
        let Some((batch, rest)) = std::mem::take(&mut bytes).split_at_mut_checked(total) else { return };
        let crc = crc32c(&batch[4..]);
        put(batch, 0, crc);
        bytes = rest;
    }
}

fn word(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

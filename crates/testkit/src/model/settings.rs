//! Retention, encryption and tags.

use std::collections::BTreeMap;

use base::limits::{RETENTION_HOURS_DEFAULT, RETENTION_HOURS_MAX, TAGS_PER_RESOURCE_MAX};

use super::stream::Change;
use super::{Answer, Model, Refusal, use_ration};

/// Starts, and stops, of encryption of a stream in 24 hours.
const SWITCHES_MAX: usize = 25;

impl Model {
    /// IncreaseStreamRetentionPeriod.
    ///
    /// # Errors
    /// When the stream cannot be changed, or not to this.
    pub fn increase_retention(&mut self, name: &str, hours: u32) -> Answer<()> {
        let current = self.active(name)?.retention_hours;
        if hours < current { Err(Refusal::InvalidArgument) } else { self.change_retention(name, hours) }
    }

    /// DecreaseStreamRetentionPeriod.
    ///
    /// # Errors
    /// When the stream cannot be changed, or not to this.
    pub fn decrease_retention(&mut self, name: &str, hours: u32) -> Answer<()> {
        let current = self.active(name)?.retention_hours;
        if hours > current { Err(Refusal::InvalidArgument) } else { self.change_retention(name, hours) }
    }

    fn change_retention(&mut self, name: &str, hours: u32) -> Answer<()> {
        if !(RETENTION_HOURS_DEFAULT..=RETENTION_HOURS_MAX).contains(&hours) {
            return Err(Refusal::InvalidArgument);
        }
        let now = self.now;
        let stream = self.active(name)?;
        stream.trimmed_before = stream.horizon(now);
        stream.retention_hours = hours;
        Ok(())
    }

    /// StartStreamEncryption. `is_key`: whether the key id has the form of one.
    ///
    /// # Errors
    /// When the stream cannot be changed, the key is none, or there were too many starts today.
    pub fn start_encryption(&mut self, name: &str, key_id: &str, is_key: bool) -> Answer<()> {
        self.stream(name)?;
        if !is_key {
            return Err(Refusal::KmsNotFound);
        }
        let now = self.now;
        use_ration(&mut self.active(name)?.encryption_starts, SWITCHES_MAX, now)?;
        self.begin(name, Change::Encrypt { key_id: key_id.to_owned() })
    }

    /// StopStreamEncryption.
    ///
    /// # Errors
    /// When the stream cannot be changed, the key is none, or there were too many stops today.
    pub fn stop_encryption(&mut self, name: &str, is_key: bool) -> Answer<()> {
        self.stream(name)?;
        if !is_key {
            return Err(Refusal::InvalidArgument);
        }
        let now = self.now;
        use_ration(&mut self.active(name)?.encryption_stops, SWITCHES_MAX, now)?;
        self.begin(name, Change::Decrypt)
    }

    /// AddTagsToStream. `are_valid`: whether all keys and values follow the rules.
    ///
    /// # Errors
    /// When there is no such stream, a tag breaks the rules, or there would be too many.
    pub fn add_tags(&mut self, name: &str, added: &BTreeMap<String, String>, are_valid: bool) -> Answer<()> {
        let stream = self.stream_mut(name)?;
        let mut tags = stream.tags.clone();
        tags.extend(added.clone());
        if !are_valid || tags.len() > TAGS_PER_RESOURCE_MAX {
            return Err(Refusal::InvalidArgument);
        }
        stream.tags = tags;
        Ok(())
    }

    /// RemoveTagsFromStream.
    ///
    /// # Errors
    /// When there is no such stream.
    pub fn remove_tags(&mut self, name: &str, keys: &[String]) -> Answer<()> {
        self.stream_mut(name)?.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    }

    /// ListTagsForStream.
    ///
    /// # Errors
    /// When there is no such stream.
    pub fn tags(&self, name: &str) -> Answer<BTreeMap<String, String>> {
        Ok(self.stream(name)?.tags.clone())
    }
}

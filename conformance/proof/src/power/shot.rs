//! One image of a disk that lost power, and what is known of its moment.

use testkit::history::{Mark, Summary};

use super::Mode;
use crate::device::{Blocks, Mounted};
use crate::judge::judge_image;
use crate::load::{Record, Recorder};
use crate::random::Random;

/// Share of the pending sectors that an image keeps, by turns.
const KEEP_PERCENT: [u64; 3] = [0, 45, 90];

pub(super) struct Shot {
    name: String,
    image: Blocks,
    record: Record,
    /// What was acknowledged until then must be in the image.
    mark: Mark,
    next_number: u64,
    mode: Mode,
    random: Random,
}

impl Shot {
    pub(super) fn take(mounted: &Mounted, recorder: &Recorder, mark: Mark, mode: Mode, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let keep = KEEP_PERCENT[random.index(KEEP_PERCENT.len())];
        let image = mounted.device().crash(keep, &mut random);
        // Whatever is in the image has been sent by now.
        let record = recorder.lock().clone();
        let name = format!("seed {seed}, {keep} % kept, durability {}", mode.durability());
        Self { name, image, record, mark, next_number: recorder.numbers(1), mode, random }
    }

    /// Whether a session may begin with it: its record is short enough.
    pub(super) fn is_small(&self, attempts_max: usize) -> bool {
        self.record.history.attempts() < attempts_max
    }

    /// The image and its record; what was answered after it was taken is unknown again.
    pub(super) fn begin(mut self) -> (Blocks, Recorder) {
        self.record.forget_since(self.mark);
        (self.image, Recorder::resume(self.record, self.next_number))
    }

    /// Starts the server on the image and compares what it serves with the record.
    pub(super) async fn judge(self) -> Result<Summary, String> {
        let Self { name, image, mut record, mark, mode, mut random, .. } = self;
        judge_image(image, mode.durability(), &mut record, mark, &mut random)
            .await
            .map_err(|message| format!("{name}: {message}"))
    }
}

//! Workers of KCL and of this project share one application: its leases, its records, and what a worker leaves behind.
//! `ANABRANCH_KCL3` is the folder of the built `conformance/java`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::consumer::InitialPosition;
use client::{Consumer, Producer};

use super::log::{Log, Logger, Seen, record};
use super::session::{Session, wait_for};
use crate::server::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Server};

const STREAM: &str = "stream";
const APPLICATION: &str = "application";
const SHARDS: i32 = 4;
const RECORDS: usize = 60_000;
/// Records between two pauses of the producer.
const STRIDE: usize = 100;
const PAUSE: Duration = Duration::from_millis(100);
/// As conformance.Worker has it.
const FAILOVER: Duration = Duration::from_secs(6);

/// A process of KCL, killed when dropped.
struct Kcl {
    process: Child,
    file: PathBuf,
}

impl Kcl {
    fn start(server: &Server, worker: &str, folder: &Path) -> Self {
        let built = PathBuf::from(std::env::var_os("ANABRANCH_KCL3").expect("ANABRANCH_KCL3 names a folder"));
        let classpath =
            format!("{}:{}", built.join("conformance-java-1.jar").display(), built.join("libraries/*").display());
        let file = folder.join("records");
        std::fs::write(&file, "").expect("a file can be made");
        let log = std::fs::File::create(folder.join("log")).expect("a file can be made");
        let process = Command::new("java")
            .args(["-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", &classpath, "conformance.Worker"])
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .env("AWS_REGION", "us-east-1")
            .env("ENDPOINT", server.endpoint())
            .env("STREAM", STREAM)
            .env("APPLICATION", APPLICATION)
            .env("WORKER", worker)
            .env("MODE", "POLLING")
            .env("FILE", &file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log can be shared"))
            .stderr(log)
            .spawn()
            .expect("java starts");
        Self { process, file }
    }

    /// What it has processed.
    fn seen(&self) -> Vec<Seen> {
        let text = std::fs::read_to_string(&self.file).expect("the file is there");
        let read = |line: &str| {
            let [at, _, _, _, key, data] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
            Some(Seen { at: at.parse().ok()?, key: key.to_owned(), data: data.to_owned() })
        };
        text.lines().filter_map(read).collect()
    }

    fn kill(&mut self) {
        self.process.kill().expect("an own child can be killed");
        self.process.wait().expect("an own child can be waited for");
    }
}

impl Drop for Kcl {
    fn drop(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.kill();
        }
    }
}

pub(super) async fn run() -> Result<String, String> {
    let server = Server::start();
    let session = Session::open(&server);
    session.make_stream(STREAM, SHARDS).await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let log = Arc::<Mutex<Log>>::default();

    let first = start(&session, "ours-1", &log).await;
    wait_for("lease for each shard", async || holds(&session, "ours-1").await == 4).await?;
    let producer = Producer::builder(session.kinesis.clone(), STREAM).ordered(true).start().await;
    let producer = Arc::new(producer.map_err(|error| error.to_string())?);
    let putting = tokio::spawn(put(Arc::clone(&producer)));
    let mut kcl = Kcl::start(&server, "kcl", folder.path());
    wait_for("lease of KCL's", async || holds(&session, "kcl").await > 0 && holds(&session, "ours-1").await > 0)
        .await?;
    session.split_first(STREAM).await;
    let of_kcl = holds(&session, "kcl").await;
    drop(first);
    wait_for("takeover by KCL", async || holds(&session, "kcl").await >= 4).await?;
    let second = start(&session, "ours-2", &log).await;
    // The leader of KCL's knows the new worker by its row, and gives it a share.
    wait_for("lease given by KCL", async || holds(&session, "ours-2").await > 0).await?;
    let given = holds(&session, "ours-2").await;
    kcl.kill();
    wait_for("takeover from KCL", async || holds(&session, "ours-2").await >= 5).await?;
    putting.await.expect("the producer does not panic")?;
    let everything = || {
        let ours = log.lock().expect("nothing panics while it holds the lock").everything.clone();
        ours.into_iter().chain(kcl.seen()).collect::<Vec<Seen>>()
    };
    wait_for("record", async || Log::of(everything()).distinct >= RECORDS).await?;
    second.stop().await;
    let all = Log::of(everything());
    if !all.problems.is_empty() {
        return Err(format!("{} problems, among them {}", all.problems.len(), all.problems[0]));
    }
    let by_kcl = kcl.seen().len();
    Ok(format!(
        "{} records, {} repeated, {by_kcl} processed by KCL, which took {of_kcl} leases and gave back {given}",
        all.distinct, all.repeated
    ))
}

async fn start(session: &Session, worker: &'static str, log: &Arc<Mutex<Log>>) -> Consumer {
    let log = Arc::clone(log);
    Consumer::builder(session.kinesis.clone(), session.dynamodb.clone(), APPLICATION, STREAM)
        .worker_id(worker)
        .initial_position(InitialPosition::TrimHorizon)
        .failover(FAILOVER)
        .idle(Duration::from_millis(200))
        .start(move |_| Logger(Arc::clone(&log)))
        .await
        .expect("a consumer starts")
}

async fn put(producer: Arc<Producer>) -> Result<(), String> {
    for number in 0..RECORDS {
        if number % STRIDE == 0 {
            tokio::time::sleep(PAUSE).await;
        }
        producer.send(record(number)).await.map_err(|error| error.to_string())?;
    }
    producer.close().await;
    let failed = producer.metrics().user_records_failed;
    if failed == 0 { Ok(()) } else { Err(format!("{failed} records were not stored")) }
}

async fn holds(session: &Session, worker: &str) -> usize {
    let owners = session.owners(APPLICATION).await;
    owners.values().filter(|owner| owner.as_ref().is_some_and(|owner| owner == worker)).count()
}

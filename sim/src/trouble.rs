//! Brings the troubles of the plan at their time.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::operator::Operator;
use crate::plan::{DISK_BYTES, Trouble};
use crate::world::World;

/// Brings all troubles; when it ends the network and the disk are well again.
pub async fn run(world: Arc<World>, operator: Operator) {
    let began = Instant::now();
    let mut running = JoinSet::new();
    for (after, trouble) in world.plan.troubles.clone() {
        sleep_until(began + after).await;
        world.note("trouble", format_args!("{trouble:?}"));
        bring(&world, &operator, trouble, &mut running);
    }
    while running.join_next().await.is_some() {}
    world.disk.clear_faults();
    world.disk.set_bytes_max(DISK_BYTES);
    world.catalog.has_space();
}

fn bring(world: &Arc<World>, operator: &Operator, trouble: Trouble, running: &mut JoinSet<()>) {
    match trouble {
        Trouble::Reset { client } => world.net.reset(client),
        Trouble::Partition { client, cut, millis } => {
            world.net.cut(client, cut);
            let world = Arc::clone(world);
            running.spawn(async move {
                sleep(Duration::from_millis(millis)).await;
                world.note("trouble", format_args!("the way of client {client} is whole again"));
                world.net.heal(client);
            });
        }
        Trouble::ClockStep { millis } => {
            let before = world.clock.latest();
            world.all_ledgers(|_, ledger| ledger.pass(before));
            world.clock.step(millis);
        }
        Trouble::Kill => world.kill(),
        Trouble::PowerLoss { kept_percent } => world.lose_power(kept_percent),
        Trouble::Disk { after, fault } => world.disk.set_fault(after, fault),
        Trouble::DiskFull { bytes_left, millis } => {
            world.disk.set_bytes_max(world.disk.bytes_used() + bytes_left);
            let world = Arc::clone(world);
            running.spawn(async move {
                sleep(Duration::from_millis(millis)).await;
                world.note("trouble", format_args!("the disk has room again"));
                world.disk.set_bytes_max(DISK_BYTES);
            });
        }
        Trouble::DiskStall { millis } => world.disk.stall(Duration::from_millis(millis)),
        Trouble::CatalogFull { after } => world.catalog.fill_after(after),
        Trouble::Restart { flips } => {
            let operator = operator.clone();
            running.spawn(async move { operator.restart(flips).await });
        }
    }
}

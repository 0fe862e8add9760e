//! Brings the troubles of the plan at their time.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::plan::Trouble;
use crate::world::World;

/// Brings all troubles; when it ends the network is whole again.
pub async fn run(world: Arc<World>) {
    let began = Instant::now();
    let mut running = JoinSet::new();
    for (after, trouble) in world.plan.troubles.clone() {
        sleep_until(began + after).await;
        world.note("trouble", format_args!("{trouble:?}"));
        match trouble {
            Trouble::Reset { client } => world.net.reset(client),
            Trouble::Partition { client, cut, millis } => {
                world.net.cut(client, cut);
                let world = Arc::clone(&world);
                running.spawn(async move {
                    sleep(std::time::Duration::from_millis(millis)).await;
                    world.note("trouble", format_args!("the way of client {client} is whole again"));
                    world.net.heal(client);
                });
            }
            Trouble::ClockStep { millis } => {
                let before = world.clock.latest();
                world.all_ledgers(|_, ledger| ledger.pass(before));
                world.clock.step(millis);
            }
        }
    }
    while running.join_next().await.is_some() {}
}

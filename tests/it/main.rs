//! Everything that needs more than one module: the engine on a real store, the server over a real socket, the program.

mod architecture;
mod cli;
mod engine;
mod grpc;
mod model;
mod power_cut;
mod store_speed;
mod store_views;

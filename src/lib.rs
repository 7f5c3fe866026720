//! Leadgate: the gate that a sales or marketing lead passes before anybody writes it into a CRM.

pub mod app;
pub mod cli;
pub mod config;
pub mod decision;
pub mod domain;
pub mod engine;
pub mod grpc;
pub mod index;
pub mod store;
pub mod telemetry;

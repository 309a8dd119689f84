//! One file a command.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod cluster;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod demo;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod labels;
pub(crate) mod models;
pub(crate) mod predict;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod train;
pub(crate) mod tune;
pub(crate) mod twin;
pub(crate) mod user;

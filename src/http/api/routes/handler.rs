//! A function as the handler of an operation: its first argument is a permission, and every other argument and its answer
//! describe themselves. A function without a permission is no handler.

use axum::handler::Handler;

use super::operation::{Answer, Argument, Described, Permission};
use crate::http::HttpState;
use crate::http::api::problem::Problem;

/// A handler with the permission `P`. `T` stands for its arguments, as in `axum::handler::Handler`.
pub(in crate::http) trait OperationHandler<P, T>: Handler<T, HttpState> {
    fn describe(described: &mut Described);
}

macro_rules! operation_handler {
    ($($argument:ident),*) => {
        impl<F, Fut, R, M, P, $($argument),*> OperationHandler<P, (M, P, $($argument,)*)> for F
        where
            F: Fn(P, $($argument),*) -> Fut + Handler<(M, P, $($argument,)*), HttpState>,
            Fut: Future<Output = Result<R, Problem>>,
            P: Permission,
            $($argument: Argument,)*
            R: Answer,
        {
            fn describe(described: &mut Described) {
                P::describe(described);
                $($argument::describe(described);)*
                R::describe(described);
            }
        }
    };
}

operation_handler!();
operation_handler!(A1);
operation_handler!(A1, A2);
operation_handler!(A1, A2, A3);
operation_handler!(A1, A2, A3, A4);

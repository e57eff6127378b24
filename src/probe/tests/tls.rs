//! Questions and answers over plain HTTP.

! Fits a curve with the gradient that mpyc has compiled: the BFGS method in Fortran.
!
!   mpyc -c curve.mpy -o curve.o
!   gfortran fit.f90 curve.o libmpyrt.a -lmvec -lm -ldl -o fit

module mpy
  use, intrinsic :: iso_c_binding
  implicit none
  private
  public :: array, array_of, mpy_ctx_new_for, mpy_ctx_free, error_message, abi_version

  ! Of mpy.h: MPY_ABI_VERSION, and struct mpy_array.
  integer(c_int64_t), parameter :: abi_version = 3
  type, bind(c) :: array
    type(c_ptr) :: data
    integer(c_int32_t) :: device_type = 1, device_id = 0, ndim
    integer(c_int8_t) :: code = 2, bits = 64     ! float64
    integer(c_int16_t) :: lanes = 1
    type(c_ptr) :: shape
    type(c_ptr) :: strides = c_null_ptr          ! row-major: a matrix of Fortran needs its own
    integer(c_int64_t) :: byte_offset = 0
  end type

  interface
    function mpy_ctx_new_for(version) bind(c) result(ctx)
      import
      integer(c_int64_t), value :: version
      type(c_ptr) :: ctx
    end function
    subroutine mpy_ctx_free(ctx) bind(c)
      import
      type(c_ptr), value :: ctx
    end subroutine
    function mpy_error_message(ctx) bind(c) result(text)
      import
      type(c_ptr), value :: ctx
      type(c_ptr) :: text
    end function
    function strlen(text) bind(c) result(length)
      import
      type(c_ptr), value :: text
      integer(c_size_t) :: length
    end function
  end interface

contains

  ! A vector as compiled code sees it; `values` and `shape` must live until the call is over.
  function array_of(values, shape) result(made)
    real(c_double), target, intent(in) :: values(:)
    integer(c_int64_t), target, intent(in) :: shape(:)
    type(array) :: made
    made%data = c_loc(values)
    made%ndim = size(shape)
    made%shape = c_loc(shape)
  end function

  function error_message(ctx) result(message)
    type(c_ptr), intent(in) :: ctx
    character(:), allocatable :: message
    character(kind=c_char), pointer :: text(:)
    type(c_ptr) :: address
    integer :: i
    address = mpy_error_message(ctx)
    call c_f_pointer(address, text, [strlen(address)])
    allocate (character(size(text)) :: message)
    do i = 1, size(text)
      message(i:i) = text(i)
    end do
  end function
end module

module curve
  use mpy
  use, intrinsic :: iso_c_binding
  implicit none

  interface
    function curve_values(ctx, p, t, result) bind(c) result(status)
      import
      type(c_ptr), value :: ctx
      type(array), intent(in) :: p, t
      type(array), intent(inout) :: result
      integer(c_int) :: status
    end function
    function curve_loss_value_and_grad(ctx, p, t, y, result, grad_p) bind(c) result(status)
      import
      type(c_ptr), value :: ctx
      type(array), intent(in) :: p, t, y
      real(c_double), intent(out) :: result
      type(array), intent(inout) :: grad_p
      integer(c_int) :: status
    end function
  end interface
end module

program fit
  use mpy
  use curve
  use, intrinsic :: iso_c_binding
  implicit none
  integer, parameter :: points = 60, parameters = 4
  integer(c_int64_t), target :: n(1) = [points], fewer(1) = [points - 1], four(1) = [parameters]
  real(c_double), target :: truth(parameters) = [2.0d0, 0.3d0, 1.7d0, 0.5d0]
  real(c_double), target :: t(points), y(points)
  real(c_double), target :: p(parameters) = [1.5d0, 0.2d0, 1.6d0, 0.0d0], g(parameters)
  real(c_double) :: next(parameters), before(parameters), direction(parameters), s(parameters), d(parameters)
  real(c_double) :: inverse(parameters, parameters), loss, tried, step
  type(array) :: results
  type(c_ptr) :: ctx
  integer :: i

  ctx = mpy_ctx_new_for(abi_version)
  t = [(0.1d0 * i, i = 0, points - 1)]
  results = array_of(y, n)
  call check(curve_values(ctx, array_of(truth, four), array_of(t, n), results))

  inverse = 0
  do i = 1, parameters
    inverse(i, i) = 1
  end do
  loss = evaluate(p)
  do i = 1, 200
    direction = -matmul(inverse, g)
    before = g
    step = 1
    do
      next = p + step * direction
      tried = evaluate(next)
      if (tried <= loss + 1d-4 * step * dot_product(before, direction) .or. step < 1d-10) exit
      step = step / 2
    end do
    s = next - p
    d = g - before
    p = next
    loss = tried
    if (norm2(g) < 1d-9) exit
    if (dot_product(s, d) > 0) call update
  end do
  print '(a, i0, a)', 'after ', i, ' steps'
  print '(a, 4(f0.3, 1x))', 'p = ', p

  ! What the program raises is a status, with a text.
  results = array_of(g, four)
  i = curve_loss_value_and_grad(ctx, array_of(p, four), array_of(t, n), array_of(y, fewer), loss, results)
  print '(a)', error_message(ctx)
  call mpy_ctx_free(ctx)

contains

  subroutine check(status)
    integer(c_int), intent(in) :: status
    if (status == 0) return
    print '(a)', error_message(ctx)
    error stop
  end subroutine

  ! The loss at x; its gradient goes to g.
  function evaluate(x) result(value)
    real(c_double), target, intent(in) :: x(:)
    real(c_double) :: value
    type(array) :: gradient
    gradient = array_of(g, four)
    call check(curve_loss_value_and_grad(ctx, array_of(x, four), array_of(t, n), array_of(y, n), value, gradient))
  end function

  ! The formula of Broyden, Fletcher, Goldfarb and Shanno for the inverse of the Hessian.
  subroutine update
    real(c_double) :: left(parameters, parameters), rho
    integer :: k
    rho = 1 / dot_product(s, d)
    left = -rho * spread(s, 2, parameters) * spread(d, 1, parameters)
    do k = 1, parameters
      left(k, k) = left(k, k) + 1
    end do
    inverse = matmul(left, matmul(inverse, transpose(left))) + rho * spread(s, 2, parameters) * spread(s, 1, parameters)
  end subroutine
end program
